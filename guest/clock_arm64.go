package guest

import "pvboot/arch/arm64"

var counter ticks

func nanotime() int64 { return counter.ns(arm64.Counter()) }

func relax() { arm64.Yield() }

// defaultFrequency stands in where firmware left CNTFRQ_EL0 at 0.
const defaultFrequency = 62500000

// initClock starts the clock at zero.
func initClock() {
	hz := arm64.CounterFrequency()
	if hz == 0 {
		hz = defaultFrequency
	}
	counter = newTicks(arm64.Counter(), hz)
	initSystemTime(hz)
}
