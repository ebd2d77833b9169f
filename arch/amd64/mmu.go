//go:build amd64

package amd64

// The entry code maps the first 4 GiB with 2 MiB pages. What lies above is
// mapped here, with 1 GiB pages where the processor has them.
const (
	gib      = 1 << 30
	lowSpace = 4 * gib
	maxSpace = 1 << 47 // lower half of the address space

	present  = 1 << 0
	writable = 1 << 1
	large    = 1 << 7
	addrMask = 0x000ffffffffff000
)

// gigabytePages reports 1 GiB pages: CPUID 0x80000001 EDX[26] (SDM 4.1.4, APM
// vol. 3 appendix E.4.2).
func gigabytePages() bool {
	max, _, _, _ := CPUID(0x80000000, 0)
	if max < 0x80000001 {
		return false
	}
	_, _, _, edx := CPUID(0x80000001, 0)
	return edx&(1<<26) != 0
}

// TablesSize is how many bytes MapAbove needs to map all memory below end.
func TablesSize(end uint64) uint64 {
	end = min(end, maxSpace)
	if end <= lowSpace {
		return 0
	}
	gibs := (end + gib - 1) / gib
	frames := (gibs+511)/512 - 1 // PDPTs; the first is there already
	if !gigabytePages() {
		frames += gibs - lowSpace/gib
	}
	return frames * 4096
}

// MapAbove maps [4 GiB, end) to itself, with tables in the TablesSize(end)
// bytes at physical address tables, page aligned and below 4 GiB.
func MapAbove(end, tables uint64) {
	frame := func() uint64 {
		f := tables
		tables += 4096
		Zero(uintptr(f), 4096)
		return f
	}
	large1G := gigabytePages()
	pml4 := table(readCR3() & addrMask)
	for addr := uint64(lowSpace); addr < min(end, maxSpace); addr += gib {
		e := &pml4[addr>>39]
		if *e&present == 0 {
			*e = frame() | present | writable
		}
		pdpt := table(*e & addrMask)
		if large1G {
			pdpt[addr>>30&511] = addr | present | writable | large
			continue
		}
		pd := frame()
		for i := range table(pd) {
			table(pd)[i] = addr + uint64(i)<<21 | present | writable | large
		}
		pdpt[addr>>30&511] = pd | present | writable
	}
}

// UnmapPage0 takes page 0 away, so that the nil address faults.
func UnmapPage0() {
	if PV() {
		pvSet(0, 0)
		return
	}
	pdpt := table(table(readCR3() & addrMask)[0] & addrMask)
	pt := table(table(pdpt[0] & addrMask)[0] & addrMask)
	pt[0] = 0
	invlpg(0)
}
