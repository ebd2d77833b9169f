//go:build riscv64

package riscv64

// Counter reads the time CSR, which counts at the device tree's
// timebase-frequency, after all earlier instructions' memory accesses.
func Counter() uint64

// Pause tells the processor that this is a waiting loop (Zihintpause; a
// processor without it does nothing).
func Pause()

// Halt stops the processor for good.
func Halt()

// SBICall calls the firmware or hypervisor below (SBI specification, "Binary
// Encoding"). Of a legacy extension, code is all that is returned.
func SBICall(extension, function, a0, a1, a2 uint64) (code int64, value uint64)

// Load8 reads a device's register.
func Load8(addr uintptr) uint8

// Store8 writes a device's register.
func Store8(addr uintptr, value uint8)

// Load32 reads a device's register.
func Load32(addr uintptr) uint32

// Store32 writes a device's register.
func Store32(addr uintptr, value uint32)

// OnHandlerStack reports whether sp lies in one of the stacks that handlers
// run on, or is the end of one.
func OnHandlerStack(sp uint64) bool

// SigReturn is the address that a signal handler has to return to.
func SigReturn() uintptr

// Image returns where the program lies: from its Image header to the end of
// its bss.
func Image() (start, end uint64)
