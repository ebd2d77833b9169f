// Package hypercall speaks Xen's hypercall interface: numbers, structures and
// typed calls, over a [Hypervisor] that is either the real one ([Trap], one
// small .s per architecture) or xentest's in-memory one.
//
// Structures hold Go pointers where the public headers hold guest handles: on
// every 64-bit architecture both are one word, and a guest of this library
// runs with addresses that Xen accepts as they are (identity mapped, or
// virtual under x86 PV). The garbage collector therefore sees every buffer.
//
// Source: Xen's public headers, xen/include/public (xen.h, event_channel.h,
// grant_table.h, memory.h, sched.h, hvm/hvm_op.h, vcpu.h, version.h).
package hypercall

import "unsafe"

// Op is a hypercall number (public/xen.h, "HYPERCALLS").
type Op uint32

// Hypercall numbers that guests of this library use.
const (
	OpSetTrapTable    Op = 0
	OpMMUUpdate       Op = 1
	OpSetGDT          Op = 2
	OpStackSwitch     Op = 3
	OpMemory          Op = 12
	OpUpdateVAMapping Op = 14
	OpXenVersion      Op = 17
	OpConsoleIO       Op = 18
	OpGrantTable      Op = 20
	OpVMAssist        Op = 21
	OpIret            Op = 23
	OpVCPU            Op = 24
	OpSetSegmentBase  Op = 25
	OpMMUExt          Op = 26
	OpSched           Op = 29
	OpCallback        Op = 30
	OpEventChannel    Op = 32
	OpPhysDev         Op = 33
	OpHVM             Op = 34
)

// Arg is one hypercall argument: an integer, or a pointer that the garbage
// collector must see until the call has returned.
type Arg struct {
	val uintptr
	ptr unsafe.Pointer
}

// Int makes an integer argument.
func Int[T ~int | ~int32 | ~int64 | ~uint | ~uint16 | ~uint32 | ~uint64 | ~uintptr](v T) Arg {
	return Arg{val: uintptr(v)}
}

// Ptr makes a pointer argument; nil is the null guest handle.
func Ptr[T any](p *T) Arg { return Arg{ptr: unsafe.Pointer(p)} }

// Val returns an integer argument's value.
func (a Arg) Val() uintptr { return a.val }

// Pointer returns a pointer argument's address, nil for an integer.
func (a Arg) Pointer() unsafe.Pointer { return a.ptr }

// Hypervisor is the other end of a hypercall.
type Hypervisor interface {
	// Call makes hypercall op with up to five arguments. The result is the
	// call's own value when it is not negative, else a negated Xen errno
	// (public/errno.h).
	Call(op Op, args ...Arg) int64
}
