package xen

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Resource is something acquired that its Close gives back: a grant, a port, a
// mapped frame, a connected device. Close may be called twice. String names
// it for the error that says it was left.
type Resource interface {
	Close() error
	String() string
}

// Register puts r under the domain's care: [Domain.Close] closes it unless it
// was unregistered before. Frontends register themselves once they have
// changed anything that the other end sees.
func (d *Domain) Register(r Resource) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.resources = append(d.resources, r)
}

// Unregister takes r out again; the Close of r calls it when it succeeded.
func (d *Domain) Unregister(r Resource) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := len(d.resources) - 1; i >= 0; i-- {
		if d.resources[i] == r {
			d.resources = slices.Delete(d.resources, i, i+1)
			return
		}
	}
}

func (d *Domain) isClosed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closed
}

// LeftError lists what Close could not undo or found left behind. The next
// kernel must not be started over it.
type LeftError struct {
	Left []error
}

// Error is one line with everything that is left.
func (e *LeftError) Error() string {
	s := make([]string, len(e.Left))
	for i, err := range e.Left {
		s[i] = err.Error()
	}
	return "xen: left behind: " + strings.Join(s, "; ")
}

// Unwrap gives the single errors.
func (e *LeftError) Unwrap() []error { return e.Left }

// Close undoes everything that was acquired, last first, and then checks: no
// grant entry of ours in use, grant frames and shared_info unmapped, ports closed, no
// watch left, the xenstore ring quiescent, no vcpu_info registered. What is left is
// told by a [LeftError].
// The domain cannot be used afterwards, except for Shutdown and the console's
// ring, which is the toolstack's. A second Close checks again.
func (d *Domain) Close() error {
	d.mu.Lock()
	d.closed = true
	list := slices.Clone(d.resources)
	d.mu.Unlock()

	var left []error
	for _, r := range slices.Backward(list) {
		if err := r.Close(); err != nil && !errors.Is(err, ErrClosed) {
			left = append(left, fmt.Errorf("%v: %w", r, err))
		}
	}
	left = append(left, d.closeStore()...)
	left = append(left, d.grants.close()...)
	left = append(left, d.ports.check()...)
	left = append(left, d.shared.check()...)
	left = append(left, d.resident.check()...)
	if len(left) > 0 {
		return &LeftError{left}
	}
	return nil
}

// also adds a second error, if there is one, to err on the same line.
func also(err, second error) error {
	if second == nil {
		return err
	}
	return fmt.Errorf("%w; %w", err, second)
}
