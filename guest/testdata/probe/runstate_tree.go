//go:build arm64 || riscv64 || ppc64le || ppc64

package main

import (
	"fmt"

	"pvboot/hypercall"
)

// runstate is what Xen writes to an area when that is registered
// (VCPUOP_register_runstate_memory_area; a null area ends it): the state at the
// last change.
func runstate(h hypercall.Hypervisor) (hypercall.Runstate, error) {
	const register = 5
	r := &hypercall.Runstate{}
	area := &struct{ r *hypercall.Runstate }{r}
	ret := h.Call(hypercall.OpVCPU, hypercall.Int(register), hypercall.Int(0), hypercall.Ptr(area))
	area.r = nil
	end := h.Call(hypercall.OpVCPU, hypercall.Int(register), hypercall.Int(0), hypercall.Ptr(area))
	if ret != 0 || end != 0 {
		return *r, fmt.Errorf("VCPUOP_register_runstate_memory_area: %d, then %d", ret, end)
	}
	return *r, nil
}
