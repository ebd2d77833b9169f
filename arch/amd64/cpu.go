//go:build amd64

package amd64

import "pvboot/hypercall"

// CPUID returns the registers of a CPUID leaf, in a PV domain as Xen has them.
func CPUID(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32) {
	if PV() {
		return pvCPUID(leaf, subleaf)
	}
	return cpuid(leaf, subleaf)
}

func cpuid(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)

func pvCPUID(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)

// TSC reads the time-stamp counter, after all earlier instructions.
func TSC() uint64

// ReadMSR and WriteMSR access a model-specific register; one that does not
// exist is a #GP.
func ReadMSR(msr uint32) uint64

// WriteMSR writes a model-specific register.
func WriteMSR(msr uint32, value uint64)

// In8 reads a byte from an I/O port.
func In8(port uint16) uint8

// Out8 writes a byte to an I/O port.
func Out8(port uint16, value uint8)

// Out16 writes a 16-bit word to an I/O port.
func Out16(port uint16, value uint16)

// Out32 writes a 32-bit word to an I/O port.
func Out32(port uint16, value uint32)

// Pause tells the processor that this is a waiting loop.
func Pause()

// Halt stops the processor for good.
func Halt()

// TripleFault resets the machine: a fault for which there is no table of handlers
// shuts the processor down (SDM 6.15, "Double Fault Exception"), which chipsets
// answer with a reset.
func TripleFault()

// RDRAND and RDSEED return false when the processor has no number at hand.
// The processor must have the instruction (CPUID).
func RDRAND() (v uint64, ok bool)

// RDSEED is RDRAND's source.
func RDSEED() (v uint64, ok bool)

// Zero clears n bytes from addr, which must be memory that holds no pointer
// the collector looks for.
func Zero(addr, n uintptr)

func readCR2() uint64
func readCR3() uint64
func readCR4() uint64
func writeCR4(uint64)
func xsetbv(reg uint32, value uint64)
func lgdt(p *[10]byte)
func lidt(p *[10]byte)
func ltr(selector uint16)
func invlpg(addr uintptr)

// SetTLS sets the base of FS, below which the runtime keeps its g.
func SetTLS(base uint64) {
	if PV() {
		hypercall.Trap(hypercall.OpSetSegmentBase, hypercall.SegmentFS, uintptr(base), 0, 0, 0)
		return
	}
	WriteMSR(msrFSBase, base)
}

const msrFSBase = 0xc0000100

// OnHandlerStack reports whether sp lies in one of the stacks that handlers
// run on.
func OnHandlerStack(sp uint64) bool
