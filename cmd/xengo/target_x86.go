package main

import (
	"strconv"

	"pvboot/internal/xenelf"
)

// amd64Target: the image lies at 2 MiB, where arch/amd64's LOADADDR has it,
// and is entered in 32-bit mode (Xen docs/misc/pvh.pandoc).
var amd64Target = target{
	goarch: "amd64",
	env:    []string{"GOAMD64=v1"},
	text:   0x201000,
	notes: func(entry uint64) []xenelf.Note {
		return []xenelf.Note{
			{Type: xenelf.GuestOS, Text: "pvboot"},
			{Type: xenelf.XenVersion, Text: "xen-3.0"},
			// The entry is a jump to runtime/goos.CPUInit, which means the
			// same in 32-bit code.
			{Type: xenelf.Phys32Entry, Number: entry},
		}
	},
	qemu: func(image, ramdisk, cmdLine string, mebibytes int) []string {
		argv := []string{
			"qemu-system-x86_64", "-M", "q35", "-accel", "tcg", "-cpu", "max", "-smp", "1",
			"-m", strconv.Itoa(mebibytes), "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
			"-chardev", "stdio,id=out", "-device", "isa-debugcon,iobase=0xe9,chardev=out",
			// guest/exit_amd64.go has the port.
			"-device", "isa-debug-exit,iobase=0xf4,iosize=0x04",
			"-kernel", image, "-append", cmdLine,
		}
		if ramdisk != "" {
			argv = append(argv, "-initrd", ramdisk)
		}
		return argv
	},
}
