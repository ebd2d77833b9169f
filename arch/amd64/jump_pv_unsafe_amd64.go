package amd64

import "unsafe"

// leavePV is in jump_pv_amd64.s.
func leavePV(code, va, entry uintptr)

// lastCodePV returns where departPV and departPV2 lie, and where departPV2
// ends.
func lastCodePV() (first, second, end unsafe.Pointer)

// departPVCode and departPV2Code are the instructions to copy.
func departPVCode() []byte {
	start, end, _ := lastCodePV()
	return unsafe.Slice((*byte)(start), uintptr(end)-uintptr(start))
}

func departPV2Code() []byte {
	_, start, end := lastCodePV()
	return unsafe.Slice((*byte)(start), uintptr(end)-uintptr(start))
}
