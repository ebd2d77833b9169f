//go:build !amd64

package guest

import "time"

// No architecture but amd64 has an entry yet: such a program is an ordinary
// one, and what follows is what an ordinary program has.

func portOutput(p []byte) {}

func machineExit(code int32) {}

func zero(addr, n uint64) { clear(memory(addr, int(n))) }

var began = time.Now()

func nanotime() int64 { return int64(time.Since(began)) }

func relax() { time.Sleep(time.Millisecond) }

func hardwareRandom() (v uint64, ok bool) { return 0, false }
