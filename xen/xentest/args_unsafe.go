package xentest

import (
	"unsafe"

	"pvboot/hypercall"
)

// argOf reads hypercall argument i as a pointer to T; nil for the null handle
// and for an argument that is missing or an integer.
func argOf[T any](args []hypercall.Arg, i int) *T {
	if i >= len(args) {
		return nil
	}
	return (*T)(args[i].Pointer())
}

// intOf reads hypercall argument i as an integer.
func intOf(args []hypercall.Arg, i int) uint64 {
	if i >= len(args) {
		return 0
	}
	return uint64(args[i].Val())
}

// arrayOf is a guest handle to n elements. The caller's n is the guest's word:
// a real Xen would fault on what is not there, so keep it small.
func arrayOf[T any](p *T, n int) []T { return unsafe.Slice(p, n) }

// HVMParam is the parameter structure of an OpHVM call, for Config.Call.
func HVMParam(args []hypercall.Arg) *hypercall.HVMParam {
	return argOf[hypercall.HVMParam](args, 1)
}
