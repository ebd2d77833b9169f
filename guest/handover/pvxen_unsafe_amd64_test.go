package handover

import (
	"unsafe"

	"pvboot/hypercall"
)

// arrayOf is the array that a hypercall's first two arguments tell of.
func arrayOf[T any](args []hypercall.Arg) []T {
	return unsafe.Slice((*T)(args[0].Pointer()), int(args[1].Val()))
}
