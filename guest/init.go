package guest

import "runtime/debug"

// collectAfter is GOGC: a program whose memory nobody else could use collects
// garbage when it gets short of it, and for most that is never.
const collectAfter = 400

// init bounds what the runtime takes, so that a program that needs too much
// hears of it in time: the collector works harder from 7/8 of the heap on, and
// a runaway recursion ends before the heap does.
func init() {
	if !running {
		return
	}
	debug.SetGCPercent(collectAfter)
	debug.SetMemoryLimit(int64(RamSize) / 8 * 7)
	debug.SetMaxStack(int(RamSize) / 4)
}
