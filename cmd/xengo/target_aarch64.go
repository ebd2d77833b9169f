package main

import (
	"bytes"

	"pvboot/internal/linuximage"
)

// Where Xen's guests and QEMU's machine "virt" have their RAM, and where the
// image lies in it: the header asks for a distance of 2 MiB, because QEMU adds
// as much where an image asks for less than 4 KiB.
const (
	ramBaseARM64  = 0x40000000
	loadAddrARM64 = ramBaseARM64 + 0x200000
)

// arm64Target: the image is a Linux Image, entered in EL1 with the MMU off
// (Linux Documentation/arch/arm64/booting.rst). It is linked where arch/arm64's
// LOADADDR has it.
var arm64Target = target{
	goarch:      "arm64",
	env:         []string{"GOARM64=v8.0"},
	text:        loadAddrARM64 + 0x1000,
	suffix:      ".img",
	finish:      finishARM64,
	finished:    isImage,
	qemu:        qemuARM64,
	qemuPackage: "qemu-system-arm",
	status:      func(qemu int, _ []byte) (int, bool) { return guestStatus(qemu, true) },
}

// finishARM64: an Image has no place for symbols, so what the linker wrote
// serves debuggers.
func finishARM64(linked []byte, symbols bool) (image, beside []byte, err error) {
	image, err = linuximage.ARM64.Finish(linked, ramBaseARM64)
	if symbols {
		beside = linked
	}
	return image, beside, err
}

// isImage: QEMU and Xen unpack a gzipped Image (RFC 1952, 2.3.1).
func isImage(file []byte) bool {
	return linuximage.ARM64.Is(file) || bytes.HasPrefix(file, []byte{0x1f, 0x8b})
}

func qemuARM64() []string {
	return []string{
		"qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a57",
		"-serial", "chardev:out",
		// guest/exit_arm64.go ends QEMU by semihosting, with the status
		// exitBase | code.
		"-semihosting-config", "enable=on,target=native",
	}
}
