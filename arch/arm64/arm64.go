// Package arm64 is the AArch64 processor as a Xen guest finds it: the entry
// in EL1 with MMU and caches off, page tables, exceptions, and the small
// instructions that Go has no words for.
//
// Go code runs in EL1 on SP_EL0 (SPSel 0) with all interrupts masked, and
// exceptions have a stack in SP_EL1. Package guest builds on it; nothing here
// knows of Xen or of the Go runtime's needs. Sources: Arm Architecture Reference
// Manual for A-profile, DDI 0487, cited by section; Linux
// Documentation/arch/arm64/booting.rst for the entry state.
package arm64
