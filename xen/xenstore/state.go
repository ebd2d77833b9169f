package xenstore

import (
	"errors"
	"fmt"
	"time"

	"pvboot/internal/shm"
)

// connectionError reads the daemon's word about why it stopped serving the
// ring (xenstore-ring.txt, "The connection error feature").
func connectionError(page []byte) error {
	if shm.Load(page, offFeatures)&FeatureError == 0 {
		return nil
	}
	switch code := shm.Load(page, offError); code {
	case 0:
		return nil
	case 1:
		return errors.New("xenstore: daemon gave up: communication problem")
	case 2:
		return errors.New("xenstore: daemon gave up: invalid ring index")
	case 3:
		return errors.New("xenstore: daemon gave up: protocol violation")
	default:
		return fmt.Errorf("xenstore: daemon gave up: error %d", code)
	}
}

// canReconnect tells whether the daemon offers to reset the ring.
func canReconnect(page []byte) bool { return shm.Load(page, offFeatures)&FeatureReconnect != 0 }

// reconnectRing asks the daemon to reset the ring and waits until it has:
// queues empty, no request, watch or transaction left (xenstore-ring.txt, "The
// ring reconnection feature").
func reconnectRing(t Transport, limit time.Duration) error {
	shm.Store(t.Page, offConnect, reconnect)
	if err := t.Notify(); err != nil {
		return fmt.Errorf("xenstore: reconnect: %w", err)
	}
	err := t.Wait(limit, func() bool { return shm.Load(t.Page, offConnect) == connected })
	if err != nil {
		return fmt.Errorf("xenstore: reconnect: connection state %d: %w", shm.Load(t.Page, offConnect), err)
	}
	return nil
}

// resetGrace is how long a daemon may still write to the ring that it has just
// begun to serve: xenstored of Xen 4.17 says "connected" first and zeroes the
// indexes then (tools/xenstore/xenstored_domain.c, do_introduce).
const resetGrace = 50 * time.Millisecond

// awaitServed waits for a daemon that does not serve the ring yet, as a domain
// finds it that Xen itself started, or for a reset of the ring that an earlier
// user asked for. All other fields mean nothing until then, not even the
// feature that the state belongs to.
func awaitServed(t Transport, limit time.Duration) error {
	if !t.Fresh && !unserved(t.Page) {
		return nil
	}
	if err := t.Wait(limit, func() bool { return !unserved(t.Page) }); err != nil {
		return fmt.Errorf("xenstore: nobody serves the ring: connection state %d: %w", shm.Load(t.Page, offConnect), err)
	}
	since := time.Now()
	return t.Wait(2*resetGrace, func() bool { return time.Since(since) >= resetGrace })
}

// unserved tells whether the connection state is not "connected". A value
// without a meaning counts only where a daemon offers the feature.
func unserved(page []byte) bool {
	state := shm.Load(page, offConnect)
	return state == reconnect || state != connected && canReconnect(page)
}
