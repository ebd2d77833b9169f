package main

import "pvboot/hypercall"

func runstate(h hypercall.Hypervisor) (hypercall.Runstate, error) {
	return hypercall.VCPURunstate(h, 0)
}
