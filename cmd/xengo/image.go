package main

import (
	"debug/elf"
	"fmt"
)

// isFinished reports whether a file is an image already: it has a PT_NOTE
// with Xen's notes, which Go's linker does not write.
func isFinished(name string) (bool, error) {
	f, err := elf.Open(name)
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type != elf.PT_NOTE {
			continue
		}
		var owner [16]byte
		if _, err := p.ReadAt(owner[:], 0); err == nil && string(owner[12:]) == "Xen\x00" {
			return true, nil
		}
	}
	return false, nil
}
