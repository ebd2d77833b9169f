//go:build !amd64 && !arm64 && !riscv64 && !ppc64le && !ppc64

package guest

import "time"

// Other architectures have no entry yet: such a program is an ordinary one,
// and what follows is what an ordinary program has.

const openDirectory = 0o200000 // O_DIRECTORY

func portOutput(p []byte) {}

func machineExit(code int32) {}

func machineOff() {}

func machineReset() {}

var began = time.Now()

func nanotime() int64 { return int64(time.Since(began)) }

func relax() { time.Sleep(time.Millisecond) }

func hardwareRandom() (v uint64, ok bool) { return 0, false }

func hwcap() uint64 { return 0 }

func block(d int64) { time.Sleep(time.Duration(d)) }

func syncSystemTime() {}

func mapped(addr, size uint64) bool { return false }

func mapFrames(addr, size uint64) bool { return false }

func hole(n int) (gfn uint64, ok bool) { return 0, false }
