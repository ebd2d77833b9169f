package xenbus

import (
	"cmp"
	"errors"
	"fmt"
	iofs "io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"pvboot/xen"
	"pvboot/xen/xenstore"
)

// Keys of the frontend's and the backend's directory that this package reads
// or writes.
const (
	keyState     = "state"
	keyBackend   = "backend"
	keyBackendID = "backend-id"
)

// maxDevices caps how many devices of a kind are looked at.
const maxDevices = 1024

// A Device is one device of the domain's, seen from its frontend.
type Device struct {
	Kind    string    // "vbd", "vif", "console"
	ID      int       // the number under which it stands in xenstore
	Path    string    // the frontend's directory, relative to the domain's
	Backend string    // the backend's directory, absolute
	Remote  xen.DomID // the domain of the backend

	d     *xen.Domain
	store *xenstore.Client
}

// Devices lists all devices of a kind in the order of their numbers. One whose
// entries are broken does not hide the others: errs tells of it.
func Devices(d *xen.Domain, kind string) (devs []*Device, errs []error) {
	store, err := d.Store()
	if err != nil {
		return nil, []error{err}
	}
	names, err := store.Directory("device/" + kind)
	if errors.Is(err, iofs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, []error{err}
	}
	if len(names) > maxDevices {
		errs = append(errs, fmt.Errorf("xenbus: %d devices of kind %s, taking %d", len(names), kind, maxDevices))
		names = names[:maxDevices]
	}
	var paths []string
	for _, n := range names {
		dir := "device/" + kind + "/" + n + "/"
		paths = append(paths, dir+keyBackend, dir+keyBackendID)
	}
	values, rerrs := store.ReadAll(paths...)
	for i, n := range names {
		dev := &Device{Kind: kind, Path: "device/" + kind + "/" + n, d: d, store: store}
		if err := dev.init(n, values[2*i:2*i+2], rerrs[2*i:2*i+2]); err != nil {
			errs = append(errs, fmt.Errorf("xenbus: %s: %w", dev.Path, err))
			continue
		}
		devs = append(devs, dev)
	}
	slices.SortFunc(devs, func(a, b *Device) int { return a.ID - b.ID })
	return devs, errs
}

// init takes in the device's number and the values of its backend and
// backend-id keys.
func (dev *Device) init(name string, values []string, errs []error) error {
	id, err := strconv.ParseInt(name, 10, 32)
	if err != nil || id < 0 {
		return errors.New("not a device number")
	}
	if err := cmp.Or(errs...); err != nil {
		return err
	}
	if !strings.HasPrefix(values[0], "/") {
		return fmt.Errorf("backend %.64q is not an absolute path", values[0])
	}
	remote, err := strconv.ParseUint(values[1], 10, 16)
	if err != nil {
		return fmt.Errorf("backend-id %.32q is not a number of 16 bits", values[1])
	}
	dev.ID, dev.Backend, dev.Remote = int(id), values[0], xen.DomID(remote)
	return nil
}

// Domain returns the domain that the device belongs to.
func (dev *Device) Domain() *xen.Domain { return dev.d }

// String names the device, such as "vbd/51712".
func (dev *Device) String() string { return fmt.Sprintf("%s/%d", dev.Kind, dev.ID) }

// BackendKey reads what the backend published under key. A missing key is an
// error that wraps io/fs's ErrNotExist.
func (dev *Device) BackendKey(key string) (string, error) {
	v, err := dev.store.Read(dev.Backend + "/" + key)
	if err != nil {
		return "", fmt.Errorf("xenbus: %v: %w", dev, err)
	}
	return v, nil
}

// BackendKeys reads what the backend published under each of keys, all in
// about the time of one. Missing keys are missing in the result.
func (dev *Device) BackendKeys(keys ...string) (map[string]string, error) {
	paths := make([]string, len(keys))
	for i, k := range keys {
		paths[i] = dev.Backend + "/" + k
	}
	values, errs := dev.store.ReadAll(paths...)
	m := make(map[string]string, len(keys))
	for i, err := range errs {
		switch {
		case err == nil:
			m[keys[i]] = values[i]
		case !errors.Is(err, iofs.ErrNotExist):
			return nil, fmt.Errorf("xenbus: %v: %w", dev, err)
		}
	}
	return m, nil
}

// BackendUint reads a decimal number of the backend's that fits bits bits.
func (dev *Device) BackendUint(key string, bits int) (uint64, error) {
	return dev.uint(dev.Backend+"/"+key, bits)
}

// BackendUintOr is BackendUint with a value for a key that is missing.
func (dev *Device) BackendUintOr(key string, bits int, missing uint64) (uint64, error) {
	v, err := dev.BackendUint(key, bits)
	if errors.Is(err, iofs.ErrNotExist) {
		return missing, nil
	}
	return v, err
}

// A Number is a decimal number that a backend publishes.
type Number struct {
	Key     string
	Bits    int    // that it has to fit
	Missing uint64 // what stands for a key that is missing, unless Needed
	Needed  bool
	Value   *uint64 // where it goes
}

// BackendUints reads all of list in about the time of one. The error is that of
// the first one that fails; a key that is missing and needed is an error that
// wraps io/fs's ErrNotExist.
func (dev *Device) BackendUints(list ...Number) error {
	paths := make([]string, len(list))
	for i, n := range list {
		paths[i] = dev.Backend + "/" + n.Key
	}
	values, errs := dev.store.ReadAll(paths...)
	for i, n := range list {
		switch {
		case errs[i] == nil:
			v, err := dev.parse(paths[i], values[i], n.Bits)
			if err != nil {
				return err
			}
			*n.Value = v
		case errors.Is(errs[i], iofs.ErrNotExist) && !n.Needed:
			*n.Value = n.Missing
		default:
			return fmt.Errorf("xenbus: %v: %w", dev, errs[i])
		}
	}
	return nil
}

func (dev *Device) uint(path string, bits int) (uint64, error) {
	s, err := dev.store.Read(path)
	if err != nil {
		return 0, fmt.Errorf("xenbus: %v: %w", dev, err)
	}
	return dev.parse(path, s, bits)
}

// parse takes s, the value at path, for a decimal number.
func (dev *Device) parse(path, s string, bits int) (uint64, error) {
	v, err := strconv.ParseUint(s, 10, bits)
	if err != nil {
		return 0, fmt.Errorf("xenbus: %v: %s: %.32q is not a number of %d bits", dev, path, s, bits)
	}
	return v, nil
}

// FrontendKey reads a key of the frontend's own directory, such as
// "device-type", which the toolstack wrote.
func (dev *Device) FrontendKey(key string) (string, error) {
	v, err := dev.store.Read(dev.Path + "/" + key)
	if err != nil {
		return "", fmt.Errorf("xenbus: %v: %w", dev, err)
	}
	return v, nil
}

// A Pair is a key of the frontend's directory and its value.
type Pair struct{ Key, Value string }

// Publish writes pairs and the frontend's new state in one transaction.
func (dev *Device) Publish(state State, pairs ...Pair) error {
	var writes []xenstore.Pair
	for _, p := range append(pairs[:len(pairs):len(pairs)], Pair{keyState, strconv.Itoa(int(state))}) {
		writes = append(writes, xenstore.Pair{Path: dev.Path + "/" + p.Key, Value: p.Value})
	}
	err := dev.store.Update(func(tx *xenstore.Tx) error { return tx.WriteAll(writes...) })
	if err != nil {
		return fmt.Errorf("xenbus: %v: publish: %w", dev, err)
	}
	return nil
}

// SetState writes the frontend's state.
func (dev *Device) SetState(state State) error {
	if err := dev.store.Write(dev.Path+"/"+keyState, strconv.Itoa(int(state))); err != nil {
		return fmt.Errorf("xenbus: %v: to %v: %w", dev, state, err)
	}
	return nil
}

// State reads the frontend's own state, as an earlier user of the device may
// have left it.
func (dev *Device) State() (State, error) { return dev.state(dev.Path) }

// BackendState reads the backend's state; Unknown when it has none.
func (dev *Device) BackendState() (State, error) { return dev.state(dev.Backend) }

func (dev *Device) state(dir string) (State, error) {
	v, err := dev.uint(dir+"/"+keyState, 8)
	if errors.Is(err, iofs.ErrNotExist) {
		return Unknown, nil
	}
	return State(v), err
}

// StateError says that the backend did not get where the frontend waited for
// it.
type StateError struct {
	Device *Device
	State  State // where it was last
	Want   []State
	Err    error // why the wait ended
}

// Error is one line.
func (e *StateError) Error() string {
	return fmt.Sprintf("xenbus: %v: backend is %v, waiting for %v: %v", e.Device, e.State, e.Want, e.Err)
}

// Unwrap gives the reason.
func (e *StateError) Unwrap() error { return e.Err }

// ErrBackendGone ends a wait whose end the backend rules out: it is closing,
// or closed, or has no state.
var ErrBackendGone = errors.New("backend is going away")

// WaitBackend waits up to limit until the backend is in one of the wanted
// states, and returns which. A backend that goes away meanwhile ends the wait
// early, unless Closed is wanted.
func (dev *Device) WaitBackend(limit time.Duration, want ...State) (State, error) {
	// Most often the backend is there already, and no watch is needed.
	if state, err := dev.BackendState(); err != nil || slices.Contains(want, state) {
		return state, err
	}
	w, err := dev.store.Watch(dev.Backend + "/" + keyState)
	if err != nil {
		return Unknown, fmt.Errorf("xenbus: %v: %w", dev, err)
	}
	defer w.Close()
	deadline := time.Now().Add(limit)
	moved, state := false, Unknown
	for {
		if _, err := w.Next(time.Until(deadline)); err != nil {
			return state, &StateError{dev, state, want, err}
		}
		last := state
		if state, err = dev.BackendState(); err != nil {
			return state, err
		}
		if slices.Contains(want, state) {
			return state, nil
		}
		moved = moved || last != Unknown && last != state
		gone := state == Closing || moved && (state == Closed || state == Unknown)
		if gone && !slices.Contains(want, Closed) {
			return state, &StateError{dev, state, want, ErrBackendGone}
		}
	}
}

// Disconnect is the first half of a frontend's end: it tells the backend to
// let go of rings and grants and waits, up to limit for each step, until it
// has.
func (dev *Device) Disconnect(limit time.Duration) error {
	if err := dev.SetState(Closing); err != nil {
		return err
	}
	if _, err := dev.WaitBackend(limit, Closing, Closed); err != nil {
		return err
	}
	if err := dev.SetState(Closed); err != nil {
		return err
	}
	_, err := dev.WaitBackend(limit, Closed)
	return err
}

// Reset is the second half, after grants were ended and the port closed: it
// removes what the frontend published and waits, up to limit, until the
// backend is ready for the next one.
func (dev *Device) Reset(limit time.Duration, keys ...string) error {
	paths := make([]string, len(keys))
	for i, k := range keys {
		paths[i] = dev.Path + "/" + k
	}
	if err := dev.store.RmAll(paths...); err != nil {
		return fmt.Errorf("xenbus: %v: %w", dev, err)
	}
	if err := dev.SetState(Initialising); err != nil {
		return err
	}
	_, err := dev.WaitBackend(limit, InitWait)
	return err
}
