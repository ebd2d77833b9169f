package guest

import _ "unsafe" // for linkname

// The hooks that make a runtime work on bare metal, under the names of
// TamaGo's runtime/goos. Here package arch/amd64 and this package's own Linux
// personality call them. Hwinit0 and InitRNG stand in the architecture's files,
// CPUInit in its package.

// RamStart and RamSize are the range of the heap.
var (
	//go:linkname RamStart runtime/goos.RamStart
	RamStart uint64
	//go:linkname RamSize runtime/goos.RamSize
	RamSize uint64
)

//go:linkname printk runtime/goos.Printk

//go:linkname nanotime runtime/goos.Nanotime

//go:linkname getRandomData runtime/goos.GetRandomData

//go:linkname exit runtime/goos.Exit

//go:linkname idle runtime/goos.Idle
