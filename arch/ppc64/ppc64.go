// Package ppc64 is the 64-bit Power processor (POWER9 and later) as a guest or a
// hypervisor finds it: the entry in either byte order and in real mode, radix
// page tables, exceptions, calls of firmware and hypervisor, the jump, and the
// small instructions that Go has no words for.
//
// One image serves three places: a partition that something like kexec or a
// hypervisor starts (r3 = device tree, r5 = 0), a partition that Open Firmware
// starts (r5 = its client interface), and a bare machine under OPAL (r3 = device
// tree, hypervisor mode). Go code runs with translation on, an identity map
// without page 0, external interrupts off. Vectors work in either byte order, so
// that neither LPCR.ILE nor HID0.HILE matters.
//
// Package guest builds on it; nothing here knows of Xen or of the Go runtime's
// needs. Sources: Power ISA 3.0B, cited by book and section; Linux on Power
// Architecture Reference (LoPAR); Linux arch/powerpc/kernel/head_64.S for the
// entry state; skiboot's documentation of OPAL.
package ppc64
