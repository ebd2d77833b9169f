//go:build ppc64 || ppc64le

package ppc64

// TimeBase reads the time base, which counts at the rate that the device tree
// has as timebase-frequency.
func TimeBase() uint64

// Version is the processor's version register: 0x004e in the upper half for
// POWER9, 0x0080 for POWER10.
func Version() uint32

// Versions of processors (POWER9 and POWER10 Processor User's Manual, "Processor
// Version Register").
const (
	POWER9  = 0x004e
	POWER10 = 0x0080
)

// Hypervisor reports whether the program runs in hypervisor mode.
func Hypervisor() bool { return readMSR()&MSRHV != 0 }

// Random asks the processor for a conditioned random number (DARN, Power ISA
// 3.0B); false when it has none at hand.
func Random() (v uint64, ok bool)

// Yield tells the processor that this is a waiting loop.
func Yield()

// Halt stops the processor for good.
func Halt()

// Result is what a call of the hypervisor gives back: 0 in Status for success, -2
// (H_FUNCTION) where there is no such call, and r4 to r6.
type Result struct {
	Status int64
	Values [3]uint64
}

// Hcall calls the hypervisor by one of the PAPR's numbers (LoPAR, chapter 14).
func Hcall(number, a1, a2, a3, a4 uint64) Result

// Firmware calls code in big-endian real mode: regs are r0, r2, and r3 to r10;
// it returns r3. clear are MSR bits to turn off besides. Firmware may use the stack
// below, which lies below 4 GiB, as entry does for a 32-bit call. All that is
// given by address must be in the processor's physical memory.
func Firmware(entry, clear uint64, regs *[10]uint64) uint64

// OnHandlerStack reports whether sp lies in one of the stacks that handlers
// run on, or is the end of one.
func OnHandlerStack(sp uint64) bool

// SigReturn is the address that a signal handler has to return to.
func SigReturn() uintptr

// Image returns where the program lies: from the page before its text to the end
// of its bss.
func Image() (start, end uint64)

// readMSR is the machine state register.
func readMSR() uint64

// faultCode is where vectors lead.
func faultCode() uintptr

// syncCode makes what was written to [start, end) be fetched as instructions.
func syncCode(start, end uint64)
