package guest

import "encoding/binary"

// Multiboot2 Specification 2.0, section 3.6 "Boot information format".
const (
	mb2BootMagic  = 0x36d76289 // in eax at entry
	mb2InfoHead   = 8          // total_size, reserved
	mb2MaxInfo    = 1 << 20    // GRUB's is about a page
	mb2Align      = 8          // of each tag
	mb2TagHead    = 8          // type, size
	mb2TagEnd     = 0
	mb2TagCmdLine = 1
	mb2TagLoader  = 2
	mb2TagModule  = 3
	mb2TagMap     = 6
	mb2MapHead    = 8 // entry_size, entry_version
	mb2MapEntry   = 24
)

// unnamedLoader stands for a boot loader that leaves its name out.
const unnamedLoader = "unknown"

// readMultiboot fills s from Multiboot 2 information, which has a memory map,
// modules and a command line, in which GRUB leaves the file's own name out. It
// reports whether the information is whole.
func readMultiboot(info []byte, s *startInfo) bool {
	s.cmdLine.n, s.memory.n, s.modules.n = 0, 0, 0
	s.bootLoader.set([]byte(unnamedLoader))
	for at := mb2InfoHead; at+mb2TagHead <= len(info); {
		kind, size := word(info, at), uint64(word(info, at+4))
		if size < mb2TagHead || size > uint64(len(info)-at) {
			return false
		}
		body := info[at+mb2TagHead : at+int(size)]
		switch kind {
		case mb2TagEnd:
			return true
		case mb2TagCmdLine:
			s.cmdLine.set(body)
		case mb2TagLoader:
			if len(body) > 0 && body[0] != 0 {
				s.bootLoader.set(body)
			}
		case mb2TagModule:
			s.addModule(body)
		case mb2TagMap:
			s.addMap(body)
		}
		at += (int(size) + mb2Align - 1) &^ (mb2Align - 1)
	}
	return false
}

// addModule adds a module: mod_start, mod_end, string. Modules without
// contents, and those beyond the room for them, are left out.
func (s *startInfo) addModule(body []byte) {
	if len(body) < 8 || s.modules.n == len(s.moduleCmdLine) {
		return
	}
	start, end := uint64(word(body, 0)), uint64(word(body, 4))
	if start == 0 || start >= end {
		return
	}
	s.moduleCmdLine[s.modules.n].set(body[8:])
	s.modules.add(Range{start, end - start, RAM})
}

// addMap adds the memory map's entries: base_addr, length, type, reserved.
func (s *startInfo) addMap(body []byte) {
	if len(body) < mb2MapHead {
		return
	}
	size := uint64(word(body, 0))
	if size < mb2MapEntry {
		return
	}
	for body = body[mb2MapHead:]; uint64(len(body)) >= size; body = body[size:] {
		le := binary.LittleEndian
		s.memory.add(Range{le.Uint64(body), le.Uint64(body[8:]), word(body, 16)})
	}
}

// set copies a C string, cut off where t is full or b ends.
func (t *text) set(b []byte) {
	t.n = 0
	for _, c := range b[:min(len(b), len(t.b)-1)] {
		if c == 0 {
			return
		}
		t.b[t.n] = c
		t.n++
	}
}

// word is the number at an offset.
func word(b []byte, at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
