package guest

import "pvboot/arch/amd64"

var tsc ticks

func nanotime() int64 { return tsc.ns(amd64.TSC()) }

func relax() { amd64.Pause() }

// initClock starts the clock at zero.
func initClock() {
	hz := tscFrequency()
	tsc = newTicks(amd64.TSC(), hz)
	initSystemTime()
}

// tscFrequency asks Xen, then the processor, and measures last. In a PV domain,
// which cannot touch a port, it guesses instead.
func tscFrequency() uint64 {
	if base := xenLeaf(); base != 0 {
		// public/arch-x86/cpuid.h, XEN_CPUID_LEAF(3), sub-leaf 0: ECX is the
		// guest's TSC frequency in kHz.
		if _, _, khz, _ := amd64.CPUID(base+3, 0); khz != 0 {
			return uint64(khz) * 1000
		}
	}
	leaves, _, _, _ := amd64.CPUID(0, 0)
	if leaves >= 0x15 {
		// SDM vol. 2, CPUID leaf 0x15: crystal ECX Hz times EBX/EAX.
		den, num, crystal, _ := amd64.CPUID(0x15, 0)
		if den != 0 && num != 0 && crystal != 0 {
			return uint64(crystal) * uint64(num) / uint64(den)
		}
	}
	if leaves >= 0x16 {
		// Leaf 0x16: EAX is the base frequency in MHz.
		if mhz, _, _, _ := amd64.CPUID(0x16, 0); mhz&0xffff != 0 {
			return uint64(mhz&0xffff) * 1000000
		}
	}
	if amd64.PV() {
		return defaultTSC
	}
	return measureTSC()
}

// xenLeaf finds Xen's first CPUID leaf, 0 without Xen.
func xenLeaf() uint32 {
	if _, _, ecx, _ := amd64.CPUID(1, 0); ecx&(1<<31) == 0 && !amd64.PV() {
		return 0
	}
	for base := uint32(0x40000000); base < 0x40010000; base += 0x100 {
		_, b, c, d := amd64.CPUID(base, 0)
		if b == 0x566e6558 && c == 0x65584d4d && d == 0x4d4d566e { // "XenVMMXenVMM"
			return base
		}
	}
	return 0
}

// The 8254's channel 2, whose gate and output are in port 0x61 (Intel 8254
// data sheet; PC/AT technical reference).
const (
	pitHz      = 1193182
	pitChannel = 0x42
	pitControl = 0x43
	pitGate    = 0x61
	pitCount   = pitHz / 500 // 2 ms
	pitRuns    = 8
	defaultTSC = 1000000000
)

// measureTSC counts against the PIT for 2 ms, a few times: the shortest is the
// right one, for a host that runs something else meanwhile only makes it longer.
// Where there is no PIT it guesses.
func measureTSC() uint64 {
	shortest := ^uint64(0)
	for range pitRuns {
		elapsed := runPIT()
		if elapsed < 1000 { // the output was up from the start, or never
			return defaultTSC
		}
		shortest = min(shortest, elapsed)
	}
	return shortest * pitHz / pitCount
}

// runPIT returns what the TSC counts while the PIT counts pitCount, 0 when that does
// not end.
func runPIT() (elapsed uint64) {
	gate := amd64.In8(pitGate)&^3 | 1
	amd64.Out8(pitGate, gate&^1)
	amd64.Out8(pitControl, 0xb0) // channel 2, both bytes, mode 0
	amd64.Out8(pitChannel, pitCount&0xff)
	amd64.Out8(pitChannel, pitCount>>8)
	begin := amd64.TSC() // before the gate: a pause in between makes it longer, too
	amd64.Out8(pitGate, gate)
	for tries := 0; amd64.In8(pitGate)&0x20 == 0; tries++ {
		if tries == 1000000 {
			return 0
		}
	}
	elapsed = amd64.TSC() - begin
	amd64.Out8(pitGate, gate&^1)
	return elapsed
}
