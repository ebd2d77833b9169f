package image

// window is the addresses [lo, hi).
type window struct{ lo, hi uint64 }

// below is the part of w below addr.
func (w window) below(addr uint64) window { return window{w.lo, min(w.hi, addr)} }

// anywhere is all of an address space that a processor of today has.
var anywhere = window{0, 1 << 48}

// firstOf takes the highest place in the first window that has one.
func firstOf(mem *space, size, align uint64, windows ...window) (uint64, error) {
	var first error
	for _, w := range windows {
		addr, err := mem.highest(size, align, w.lo, w.hi)
		if err == nil {
			return addr, nil
		}
		if first == nil {
			first = err
		}
	}
	return 0, first
}
