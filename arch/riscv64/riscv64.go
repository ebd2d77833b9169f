// Package riscv64 is the RISC-V processor as a Xen guest finds it: the entry
// in S-mode with address translation off, page tables, exceptions, SBI, and the
// small instructions that Go has no words for.
//
// Go code runs in S-mode with all interrupts disabled, and exceptions have a
// stack of their own, which sscratch has at hand. VS-mode under a hypervisor and
// HS-mode without one look the same from here; a program that itself runs
// guests must clear hstatus.SPV before it returns to other Go code, as SRET would
// go by it. Package guest builds on this package; nothing here knows of Xen or of
// the Go runtime's needs.
//
// Sources: The RISC-V Instruction Set Manual, volume I "Unprivileged
// Architecture" and volume II "Privileged Architecture", cited by chapter titles;
// the RISC-V Supervisor Binary Interface Specification; Linux
// Documentation/arch/riscv/boot.rst for the entry state.
package riscv64
