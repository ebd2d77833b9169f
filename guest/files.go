package guest

// A guest has no files but those of its first module (ramdisk= of an xl
// config, -initrd of QEMU), when that is a cpio archive in the "newc" format
// (Linux Documentation/driver-api/early-userspace/buffer-format.rst). They can
// only be read. Nothing is unpacked: the archive is looked through each time,
// which does for the few files that a test brings.

// member is one file of the archive.
type member struct {
	name       []byte // without a leading "./" or "/"
	mode       uint32
	data, size uint64 // address and bytes
	next       uint64 // address of what follows
}

// File types in a mode (Linux uapi/linux/stat.h).
const (
	modeType = 0o170000
	modeDir  = 0o040000
)

// openFile is one of the guest's open files.
type openFile struct {
	used bool
	dir  bool
	mode uint32
	// data and size are the contents; of a directory, pos counts entries.
	data, size, pos uint64
	// name is that of a directory.
	name path
}

const firstFile = 8 // descriptor

var files [32]openFile

// path is a cleaned name, relative to the root, without allocation.
type path struct {
	n int
	b [512]byte
}

func (p *path) bytes() []byte { return p.b[:p.n] }

// set cleans the C string at addr; false when it is too long.
func (p *path) set(addr uint64) bool {
	p.n = 0
	first := 0 // of the element under way
	for ; ; addr++ {
		c := *at[byte](addr)
		if c != 0 && c != '/' {
			if p.n == len(p.b) {
				return false
			}
			p.b[p.n] = c
			p.n++
			continue
		}
		switch element := p.b[first:p.n]; {
		case len(element) == 0 || string(element) == ".":
			p.n = first
		case string(element) == "..":
			p.n = max(first-1, 0)
			for p.n > 0 && p.b[p.n-1] != '/' {
				p.n--
			}
		case p.n < len(p.b):
			p.b[p.n] = '/'
			p.n++
		default:
			return false
		}
		first = p.n
		if c == 0 {
			p.n = max(p.n-1, 0) // the slash behind the last element
			return true
		}
	}
}

// hex8 reads eight hexadecimal digits.
func hex8(b []byte) (v uint64, ok bool) {
	for _, c := range b[:8] {
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | uint64(c-'0')
		case c >= 'a' && c <= 'f':
			v = v<<4 | uint64(c-'a'+10)
		case c >= 'A' && c <= 'F':
			v = v<<4 | uint64(c-'A'+10)
		default:
			return 0, false
		}
	}
	return v, true
}

// readMember reads the header at addr of an archive that ends at end; false
// at the archive's end or at something else.
func readMember(addr, end uint64) (m member, ok bool) {
	const headerSize, modeAt, sizeAt, nameSizeAt = 110, 14, 54, 94
	if addr > end || end-addr < headerSize {
		return m, false
	}
	h := memory(addr, headerSize)
	mode, ok1 := hex8(h[modeAt:])
	size, ok2 := hex8(h[sizeAt:])
	nameSize, ok3 := hex8(h[nameSizeAt:])
	if string(h[:6]) != "070701" || !ok1 || !ok2 || !ok3 || nameSize == 0 {
		return m, false
	}
	data := (addr + headerSize + nameSize + 3) &^ 3
	if data > end || size > end-data {
		return m, false
	}
	name := memory(addr+headerSize, int(nameSize-1))
	for len(name) > 0 && (name[0] == '/' || name[0] == '.' && (len(name) == 1 || name[1] == '/')) {
		name = name[1:]
	}
	if string(name) == "TRAILER!!!" {
		return m, false
	}
	return member{name, uint32(mode), data, size, (data + size + 3) &^ 3}, true
}

// archive returns where the first module lies; 0, 0 without one.
func archive() (addr, end uint64) {
	if start.modules.n == 0 {
		return 0, 0
	}
	m := start.modules.list()[0]
	return m.Start, m.End()
}

// find looks for a file; the root is always there. Of several with one name
// the last counts, as in Linux.
func find(name []byte) (found member, ok bool) {
	if len(name) == 0 {
		return member{mode: modeDir | 0o755}, true
	}
	for addr, end := archive(); ; {
		m, more := readMember(addr, end)
		if !more {
			return found, ok
		}
		if string(m.name) == string(name) {
			found, ok = m, true
		}
		addr = m.next
	}
}

// child returns the name of m within directory dir; false when it is not
// directly there.
func child(dir []byte, m *member) (name []byte, ok bool) {
	name = m.name
	if len(dir) > 0 {
		if len(name) <= len(dir) || string(name[:len(dir)]) != string(dir) || name[len(dir)] != '/' {
			return nil, false
		}
		name = name[len(dir)+1:]
	}
	for _, c := range name {
		if c == '/' {
			return nil, false
		}
	}
	return name, len(name) > 0
}
