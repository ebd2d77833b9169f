//go:build arm64

package arm64

// Counter reads the virtual counter (CNTVCT_EL0), after all earlier
// instructions.
func Counter() uint64

// CounterFrequency is the counter's ticks a second (CNTFRQ_EL0), as firmware
// has set it.
func CounterFrequency() uint64

// ISAR0 is ID_AA64ISAR0_EL1, which says what instructions there are.
func ISAR0() uint64

// Fields of ISAR0, as the lowest bit of four (D24.2, "ID_AA64ISAR0_EL1").
const (
	ISAR0AES     = 4 // 2: with PMULL
	ISAR0SHA1    = 8
	ISAR0SHA2    = 12 // 2: with SHA-512
	ISAR0CRC32   = 16
	ISAR0Atomics = 20
	ISAR0RNDR    = 60
)

// RNDR returns false when the processor has no random number at hand. It must
// have the instruction (ISAR0).
func RNDR() (v uint64, ok bool)

// Yield tells the processor that this is a waiting loop.
func Yield()

// Halt stops the processor for good.
func Halt()

// Semihosting makes a semihosting call (Arm IHI 0100, "Semihosting for
// AArch32 and AArch64"). Where nobody answers, it is an undefined
// instruction.
func Semihosting(op uint32, parameter uintptr)

// PSCI calls the firmware by HVC or SMC (Arm DEN0022). It returns when the
// function failed.
func PSCI(function uint32, bySMC bool)

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
