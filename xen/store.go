package xen

import (
	"errors"
	"fmt"
	"time"

	"pvboot/hypercall"
	"pvboot/xen/xenstore"
)

// lateStore is the page number that stands for one to come: Xen starts the
// domains of its device tree ("dom0less") before there is a xenstore, with a
// port for it and this in HVM_PARAM_STORE_PFN. init-dom0less in domain 0 makes
// the page, sets the parameter, and introduces the domain to the daemon, which
// then takes the ring's connection state from 1 to 0 (xen/arch/arm/
// dom0less-build.c, tools/helpers/init-dom0less.c, docs/misc/
// xenstore-ring.txt). From 4.21 on Xen makes the page, and only the state is
// left to wait for.
const lateStore = ^uint64(0)

// storeReadyLimit is how long that may take where Limits do not say: domain 0
// boots meanwhile, and the port is a promise.
const storeReadyLimit = time.Minute

// Store returns the domain's xenstore client, connected on the first call. The
// error is an [AbsentError] where the toolstack gave the domain none. One that
// is on its way is waited for, as [Limits] say; after that a call only looks.
func (d *Domain) Store() (*xenstore.Client, error) {
	d.storeMu.Lock()
	defer d.storeMu.Unlock()
	if d.store != nil {
		return d.store, nil
	}
	if d.isClosed() {
		return nil, fmt.Errorf("xen: %w", ErrClosed)
	}
	limit := d.limits.StoreReady
	if d.storeWaited {
		limit = 0
	}
	start := time.Now()
	c, late, err := d.storeConnection(limit)
	if err == nil {
		d.store, err = xenstore.New(xenstore.Transport{
			Page: c.Page, Notify: c.Notify, Wait: d.Wait, Limit: d.limits.Store,
			Ready: max(limit-time.Since(start), time.Millisecond), Fresh: late || d.storeWaited,
		})
	}
	d.storeWaited = d.storeWaited || errors.Is(err, ErrTimeout)
	return d.store, err
}

// storeConnection waits for the ring's page where it comes late.
func (d *Domain) storeConnection(limit time.Duration) (c Connection, late bool, err error) {
	c, err = d.connection(hypercall.ParamStorePFN, hypercall.ParamStoreEvtchn)
	var absent *AbsentError
	if !errors.As(err, &absent) || absent.Param != hypercall.ParamStorePFN || absent.Value != lateStore || absent.Field != "" {
		return c, false, err
	}
	if _, perr := d.port(hypercall.ParamStoreEvtchn); perr != nil {
		return c, false, err // nobody made a port: no page will come either
	}
	werr := d.Wait(limit, func() bool {
		v, err := hypercall.HVMGetParam(d.p, hypercall.ParamStorePFN)
		return err != nil || v != lateStore || d.isClosed()
	})
	if werr != nil {
		return c, true, fmt.Errorf("%w so far: %w", err, werr)
	}
	c, err = d.connection(hypercall.ParamStorePFN, hypercall.ParamStoreEvtchn)
	return c, true, err
}

// closeStore ends watches and transactions and checks the ring.
func (d *Domain) closeStore() []error {
	d.storeMu.Lock()
	defer d.storeMu.Unlock()
	if d.store == nil {
		return nil
	}
	if err := d.store.Close(); err != nil {
		return []error{err}
	}
	return nil
}
