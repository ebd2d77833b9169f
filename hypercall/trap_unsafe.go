package hypercall

import "sync/atomic"

// Real is the hypervisor under this guest, reached by [Trap].
type Real struct{}

var _ Hypervisor = Real{}

// Call implements [Hypervisor]. More than five arguments are -EINVAL.
func (Real) Call(op Op, args ...Arg) int64 {
	var a [5]uintptr
	if len(args) > len(a) {
		return -22
	}
	if escape {
		sink.Store(&args)
	}
	for i, arg := range args {
		a[i] = arg.val
		if arg.ptr != nil {
			a[i] = uintptr(arg.ptr)
		}
	}
	ret := Trap(op, a[0], a[1], a[2], a[3], a[4])
	keep(args)
	return ret
}

// escape is never true, and makes the compiler put every pointer argument's
// target on the heap: a stack may move between the conversion to uintptr and
// the trap.
var (
	escape bool
	sink   atomic.Pointer[[]Arg]
)

// keep holds args, and what it points to, alive until the trap has returned.
//
//go:noinline
func keep(args []Arg) {}
