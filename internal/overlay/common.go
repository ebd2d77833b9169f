package overlay

// common are the changes for every architecture.
//
// One thread: the scheduler does what it does on wasm, and there is no sysmon.
// Memory: addresses are physical, below 4 GiB, and reserving memory takes it,
// so arenas are 512 KiB, as on wasm, and the index over them is small; an
// aligned reservation is asked for as it is, because package guest aligns it.
// Time: the scheduler sleeps in epoll_wait, whose timeout package guest takes
// in microseconds.
var common = []Edit{
	{"runtime/proc.go", `GOARCH == "wasm"`, `true`, 5},
	{"runtime/proc.go", `^const haveSysmon = GOARCH != "wasm"$`, `const haveSysmon = false`, 1},

	{"runtime/malloc.go", `^\theapAddrBits = \(_64bit.*$`, "\theapAddrBits = 32", 1},
	{"runtime/malloc.go", `^\tlogHeapArenaBytes = \(6\+20\).*$`, "\tlogHeapArenaBytes = 9 + 10", 1},
	{"runtime/malloc.go", `^\tarenaBaseOffset = 0xffff800000000000\*goarch\.IsAmd64.*$`, "\tarenaBaseOffset = 0", 1},
	{"runtime/mem.go", `^func sysReserveAligned\(v unsafe\.Pointer, size, align uintptr, vmaName string\) \(unsafe\.Pointer, uintptr\) \{$`,
		"$0\n\tif v == nil {\n\t\treturn sysReserve(nil, size, vmaName), size\n\t}\n", 1},
	{"runtime/mpagealloc.go", `^\tlogPallocChunkPages = 9\*\(1-goarch\.IsWasm\).*$`, "\tlogPallocChunkPages = 6 + 0*goarch.IsWasm", 1},
	{"crypto/internal/entropy/v1.0.0/entropy.go", `^type ScratchBuffer \[1 << 25\]byte$`, "type ScratchBuffer [1 << 16]byte", 1},
	{"crypto/internal/entropy/v1.0.0/entropy.go", `\(1<<25 - 1\)`, "(1<<16 - 1)", 1},

	{"runtime/netpoll_epoll.go", `delay < 1e6 \{$`, "delay < 1e3 {", 1},
	{"runtime/netpoll_epoll.go", `delay < 1e15 \{$`, "delay < 1e12 {", 1},
	{"runtime/netpoll_epoll.go", `waitms = int32\(delay / 1e6\)$`, "waitms = int32(delay / 1e3)", 1},
}
