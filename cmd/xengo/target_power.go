package main

import "pvboot/internal/linuximage"

// loadAddrPPC64 is where QEMU's machine "pseries" loads kernels, and arch/ppc64's
// LOADADDR.
const loadAddrPPC64 = 0x400000

// ppc64leTarget: the image is an ELF file like a vmlinux, entered in real mode in
// either byte order.
var ppc64leTarget = target{
	goarch:      "ppc64le",
	env:         []string{"GOPPC64=power9"},
	text:        loadAddrPPC64 + 0x1000,
	suffix:      ".elf",
	finish:      finishPPC64,
	finished:    linuximage.IsPPC64,
	qemu:        qemuPPC64,
	qemuPackage: "qemu-system-ppc",
	written:     true,
	status:      statusPPC64,
}

// ppc64Target is the same, big-endian, for machine "pseries": skiboot takes a
// big-endian file without sections to have a function descriptor as its entry.
var ppc64Target = target{
	goarch:      "ppc64",
	env:         []string{"GOPPC64=power9"},
	text:        loadAddrPPC64 + 0x1000,
	suffix:      ".elf",
	finish:      finishPPC64,
	finished:    linuximage.IsPPC64,
	qemu:        qemuPPC64,
	qemuPackage: "qemu-system-ppc",
	written:     true,
	status:      statusPPC64,
}

// finishPPC64: the image has one segment and no sections, so what the linker wrote
// serves debuggers.
func finishPPC64(linked []byte, symbols bool) (image, beside []byte, err error) {
	image, err = linuximage.FinishPPC64(linked, loadAddrPPC64)
	if symbols {
		beside = linked
	}
	return image, beside, err
}

// statusPPC64: the last byte written is exitBase | code (guest/exit_ppc64x.go).
// QEMU ends with 0, whatever it was.
func statusPPC64(qemu int, written []byte) (code int, ok bool) {
	if qemu != 0 || len(written) == 0 {
		return 0, false
	}
	return guestStatus(int(written[len(written)-1]), true)
}

// qemuPPC64: the small firmware VOF starts a program in no time, where SLOF, the
// default, takes seconds. The capabilities are those that TCG has.
func qemuPPC64() []string {
	return []string{
		"qemu-system-ppc64", "-M", "pseries,x-vof=on,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off", "-cpu", "power9",
		"-device", "spapr-vty,reg=0x71000001,chardev=out", "-device", "spapr-vty,reg=0x71000002,chardev=status",
	}
}
