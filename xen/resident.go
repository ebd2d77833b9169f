package xen

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"pvboot/hypercall"
)

// Resident is what a domain can do that no Close undoes: it is for programs
// that stay in their domain until that ends. A boot loader must not use it. Once
// something was done here, [Domain.Close] says so each time, with a [LeftError],
// and no other kernel can be started.
type Resident struct {
	d *Domain

	mu    sync.Mutex
	vcpus map[uint32]*VCPUInfo
}

// Resident returns what the domain can do for good. It does nothing yet.
func (d *Domain) Resident() *Resident { return &d.resident }

// VCPUInfo is the struct vcpu_info of one virtual processor (public/xen.h) in a
// frame of its own: whether events are pending, and the processor's clock. There
// is at most one for each, from [Resident.VCPUInfo], and it has no Close.
type VCPUInfo struct {
	VCPU  uint32
	GFN   uint64 // the frame that holds it, in a PV domain the machine frame
	Bytes []byte // shared memory: read it with atomic loads, see internal/shm
}

// String names the structure and its place.
func (i *VCPUInfo) String() string {
	return fmt.Sprintf("vcpu_info of vcpu %d at gfn %#x", i.VCPU, i.GFN)
}

// RegisteredError says that Xen has a vcpu_info for the processor already, of
// an earlier program of this domain. Before 4.18 Xen's EINVAL may also say that
// the processor runs and is another one than the caller's.
type RegisteredError struct {
	VCPU uint32
	Err  error
}

// Error names the processor.
func (e *RegisteredError) Error() string {
	return fmt.Sprintf("vcpu_info of vcpu %d: registered already: %v", e.VCPU, e.Err)
}

// Unwrap gives Xen's own error.
func (e *RegisteredError) Unwrap() error { return e.Err }

// VCPUInfo returns the vcpu_info of a virtual processor: this one, or one that
// is offline. Xen may be told where it is but once ("This may be called only
// once per vcpu", public/vcpu.h), and Linux stops where somebody did before it.
// So the first call chooses a frame and registers it, and later ones return what
// the first one did. Xen marks all events as pending in it.
//
// The vcpu_info in [SharedInfo] serves as well for the first processor, and can
// be left again; from this call on it is not kept up to date any more.
func (r *Resident) VCPUInfo(vcpu uint32) (*VCPUInfo, error) {
	if r.d.isClosed() {
		return nil, fmt.Errorf("xen: vcpu_info: %w", ErrClosed)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := r.vcpus[vcpu]; i != nil {
		return i, nil
	}
	frame, err := r.d.p.AllocFrames(1)
	if err != nil {
		return nil, fmt.Errorf("xen: vcpu_info: %w", err)
	}
	i := &VCPUInfo{VCPU: vcpu, Bytes: frame[:hypercall.VCPUInfoSize:hypercall.VCPUInfoSize]}
	if err := r.register(i, frame); err != nil {
		r.d.p.FreeFrames(frame)
		return nil, fmt.Errorf("xen: %w", err)
	}
	if r.vcpus == nil {
		r.vcpus = make(map[uint32]*VCPUInfo)
	}
	r.vcpus[vcpu] = i
	return i, nil
}

// register tells Xen of a frame. With mu held.
func (r *Resident) register(i *VCPUInfo, frame []byte) error {
	gfn, ok := r.d.p.GFN(frame)
	if !ok {
		return errors.New("vcpu_info: frame has no number")
	}
	i.GFN = gfn
	err := hypercall.VCPURegisterInfo(r.d.p, i.VCPU, gfn, 0)
	if errors.Is(err, hypercall.ErrBusy) || errors.Is(err, hypercall.ErrInvalid) && r.d.version.before(4, 18) {
		return &RegisteredError{i.VCPU, err}
	}
	if err != nil {
		return fmt.Errorf("vcpu_info of vcpu %d: %w", i.VCPU, err)
	}
	return nil
}

// check tells of all that was done.
func (r *Resident) check() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var left []error
	for _, vcpu := range slices.Sorted(maps.Keys(r.vcpus)) {
		left = append(left, fmt.Errorf("%v is registered until the domain ends", r.vcpus[vcpu]))
	}
	return left
}
