package main

import "pvboot/internal/linuximage"

// Where QEMU's machine "virt" has its RAM, and where the image lies in it:
// behind the firmware, at a multiple of 2 MiB as Linux's does.
const (
	ramBaseRISCV64  = 0x80000000
	loadAddrRISCV64 = ramBaseRISCV64 + 0x200000
)

// riscv64Target: the image is a Linux Image, entered in S-mode with address
// translation off (Linux Documentation/arch/riscv/boot.rst). It is linked where
// arch/riscv64's LOADADDR has it.
var riscv64Target = target{
	goarch:      "riscv64",
	env:         []string{"GORISCV64=rva20u64"},
	text:        loadAddrRISCV64 + 0x1000,
	suffix:      ".img",
	finish:      finishRISCV64,
	finished:    linuximage.RISCV64.Is,
	qemu:        qemuRISCV64,
	qemuPackage: "qemu-system-misc",
	status:      func(qemu int, _ []byte) (int, bool) { return guestStatus(qemu, true) },
}

// finishRISCV64: an Image has no place for symbols, so what the linker wrote
// serves debuggers.
func finishRISCV64(linked []byte, symbols bool) (image, beside []byte, err error) {
	image, err = linuximage.RISCV64.Finish(linked, ramBaseRISCV64)
	if symbols {
		beside = linked
	}
	return image, beside, err
}

// qemuRISCV64: the firmware is QEMU's own OpenSBI. guest/exit_riscv64.go ends
// QEMU by the machine's test device, with the status exitBase | code.
func qemuRISCV64() []string {
	return []string{"qemu-system-riscv64", "-M", "virt", "-serial", "chardev:out"}
}
