package guest

// Fixed places of a PVH domain's address space outside its memory map, as
// gfns: IOAPIC, LAPIC (public/arch-x86/hvm/start_info.h, docs/misc/pvh.pandoc)
// and the toolstack's special pages (tools/libs/guest/xg_dom_x86.c,
// X86_HVM_END_SPECIAL_REGION 0xff000). Page tables map the first 4 GiB, so a
// hole lies there.
var fixed = [...]struct{ first, end uint64 }{
	{0, 0x100}, // the first MiB: firmware's by custom
	{0xfec00, 0xfec01},
	{0xfee00, 0xfee01},
	{0xfeff0, 0xff000},
}

// holeTop keeps off the last page below 4 GiB.
const holeTop = 0xfffff

// holes begins at the lowest gfn that was given out.
var holes uint64 = holeTop

// hole looks from 4 GiB downwards.
func hole(n int) (gfn uint64, ok bool) {
	if pv != nil {
		return 0, false
	}
	if gfn, ok = findHole(start.memory.list(), holes, n); ok {
		holes = gfn
	}
	return gfn, ok
}

// findHole returns the highest n gfns below end that nothing occupies.
func findHole(memory []Range, end uint64, n int) (gfn uint64, ok bool) {
	if n <= 0 || uint64(n) > end {
		return 0, false
	}
	for gfn = end - uint64(n); ; {
		below, clash := clashes(memory, gfn, gfn+uint64(n))
		if !clash {
			return gfn, true
		}
		if below < uint64(n) {
			return 0, false
		}
		gfn = below - uint64(n)
	}
}

// clashes reports whether something lies in [first, end), and where the
// lowest such thing begins.
func clashes(memory []Range, first, end uint64) (begin uint64, clash bool) {
	begin = end
	for _, r := range memory {
		if lo, hi := r.Start/pageSize, (r.End()+pageSize-1)/pageSize; lo < end && first < hi {
			begin, clash = min(begin, lo), true
		}
	}
	for _, r := range fixed {
		if r.first < end && first < r.end {
			begin, clash = min(begin, r.first), true
		}
	}
	return begin, clash
}
