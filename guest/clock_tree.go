//go:build arm64 || riscv64 || ppc64le || ppc64

package guest

var counter ticks

func nanotime() int64 { return counter.ns(tickCount()) }

// initClock starts the clock at zero.
func initClock() {
	hz := tickRate()
	counter = newTicks(tickCount(), hz)
	initSystemTime(hz)
}
