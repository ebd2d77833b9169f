package main

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"

	"pvboot/internal/xenelf"
	"pvboot/internal/xennote"
)

// amd64Target: the image is an ELF file with Xen's notes. It lies at 2 MiB,
// where arch/amd64's LOADADDR has it, and is entered in 32-bit mode (Xen
// docs/misc/pvh.pandoc), or in 64-bit mode in a PV domain.
var amd64Target = target{
	goarch:      "amd64",
	env:         []string{"GOAMD64=v1"},
	text:        0x201000,
	suffix:      ".elf",
	finish:      finishAMD64,
	finished:    hasXenNotes,
	qemu:        qemuAMD64,
	qemuPackage: "qemu-system-x86",
	status:      statusAMD64,
}

func finishAMD64(linked []byte, symbols bool) (image, beside []byte, err error) {
	entryPV, err := findEntryPV(linked)
	if err != nil {
		return nil, nil, err
	}
	var phys32 uint64
	image, err = xenelf.Finish(linked, symbols, func(entry uint64) []xennote.Note {
		phys32 = entry
		return []xennote.Note{
			{Type: xennote.GuestOS, Text: "pvboot"},
			{Type: xennote.XenVersion, Text: "xen-3.0"},
			// The entry is a jump to runtime/goos.CPUInit, which means the
			// same in 32-bit code.
			{Type: xennote.Phys32Entry, Number: entry},
			// In a PV domain, too, addresses are those of the file. There is
			// no INIT_P2M: xl takes none at or above VIRT_BASE. No MOD_START_PFN
			// either: xl rounds the size of a module that it does not map.
			{Type: xennote.Entry, Number: entryPV},
			{Type: xennote.VirtBase, Number: 0},
			{Type: xennote.PaddrOffset, Number: 0},
			{Type: xennote.Loader, Text: "generic"},
		}
	})
	if err != nil {
		return nil, nil, err
	}
	image, err = xenelf.AddMultiboot2(image, phys32)
	return image, nil, err
}

// findEntryPV finds the PV entry by what arch/amd64 (entry_pv_amd64.s) has put
// before its address: test binaries have no symbols.
func findEntryPV(linked []byte) (uint64, error) {
	const marker = "pvboot's PV entry at:\n\r\x1a"
	f, err := elf.NewFile(bytes.NewReader(linked))
	if err != nil {
		return 0, err
	}
	if f.Machine != elf.EM_X86_64 {
		return 0, fmt.Errorf("%v: want an executable for amd64", f.Machine)
	}
	_, after, _ := bytes.Cut(linked, []byte(marker))
	if len(after) < 8 || bytes.Contains(after, []byte(marker)) {
		return 0, errors.New("no PV entry, or more than one")
	}
	return f.ByteOrder.Uint64(after), nil
}

// hasXenNotes looks for a PT_NOTE with Xen's notes, which Go's linker does not
// write.
func hasXenNotes(file []byte) bool {
	f, err := elf.NewFile(bytes.NewReader(file))
	if err != nil {
		return false
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type != elf.PT_NOTE {
			continue
		}
		var owner [16]byte
		if _, err := p.ReadAt(owner[:], 0); err == nil && string(owner[12:]) == "Xen\x00" {
			return true
		}
	}
	return false
}

func qemuAMD64() []string {
	return []string{
		"qemu-system-x86_64", "-M", "q35", "-cpu", "max",
		"-device", "isa-debugcon,iobase=0xe9,chardev=out",
		// guest/exit_amd64.go has the port.
		"-device", "isa-debug-exit,iobase=0xf4,iosize=0x04",
	}
}

// statusAMD64: guest/exit_amd64.go ends QEMU by isa-debug-exit with
// exitBase | code, and QEMU makes 2*value+1 of it.
func statusAMD64(qemu int, _ []byte) (code int, ok bool) {
	return guestStatus(qemu>>1, qemu&1 == 1)
}
