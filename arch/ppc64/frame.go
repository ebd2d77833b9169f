package ppc64

// Frame is the interrupted state that handlers see and may change. The order
// is that of entry_ppc64x.h. A system call's frame has no more than R1, R3 to R8,
// R14 to R31, the number in R0, and NIP.
type Frame struct {
	R      [32]uint64
	NIP    uint64 // where it was: SRR0
	MSR    uint64 // SRR1
	CTR    uint64
	LR     uint64
	XER    uint64
	CR     uint64
	DAR    uint64 // fault address, where the vector says it is valid
	DSISR  uint64 // reasons for it
	Vector uint64 // see VectorData and so on
	Nested uint64 // 1: within a handler
	FPSCR  uint64
	_      uint64
	VS     [64][2]uint64
}

// Vectors of interrupts (Power ISA 3.0B, book III, 6.4 "Interrupt Definitions").
const (
	VectorReset        = 0x100
	VectorMachineCheck = 0x200
	VectorData         = 0x300 // no translation for an access
	VectorDataSegment  = 0x380
	VectorCode         = 0x400 // or for a fetch
	VectorCodeSegment  = 0x480
	VectorExternal     = 0x500
	VectorAlignment    = 0x600
	VectorProgram      = 0x700
	VectorFloat        = 0x800
	VectorDecrementer  = 0x900
	VectorSystemCall   = 0xc00
	VectorTrace        = 0xd00
	VectorMonitor      = 0xf00
	VectorVector       = 0xf20
	VectorVSX          = 0xf40
	VectorFacility     = 0xf60
)

// Reasons for a program interrupt, in its MSR (6.5.9 "Program Interrupt").
const (
	programFloat      = 1 << 20
	programIllegal    = 1 << 19
	programPrivileged = 1 << 18
	programTrap       = 1 << 17
)

// MSR bits (3.2.1 "Machine State Register").
const (
	MSRSF  = 1 << 63 // 64 bits
	MSRHV  = 1 << 60
	MSRVEC = 1 << 25
	MSRVSX = 1 << 23
	MSREE  = 1 << 15
	MSRFP  = 1 << 13
	MSRME  = 1 << 12
	MSRIR  = 1 << 5 // translation of instruction
	MSRDR  = 1 << 4 // and data addresses
	MSRRI  = 1 << 1
	MSRLE  = 1 << 0
)

// Trap reports a program interrupt that a trap instruction asked for.
func (f *Frame) Trap() bool { return f.Vector == VectorProgram && f.MSR&programTrap != 0 }

// FloatingPoint reports a program interrupt by an enabled floating-point
// exception.
func (f *Frame) FloatingPoint() bool { return f.Vector == VectorProgram && f.MSR&programFloat != 0 }

// Name says in words what happened, for register dumps.
func (f *Frame) Name() string {
	switch f.Vector {
	case VectorReset:
		return "system reset"
	case VectorMachineCheck:
		return "machine check"
	case VectorData:
		return "data access"
	case VectorDataSegment:
		return "data segment"
	case VectorCode:
		return "instruction fetch"
	case VectorCodeSegment:
		return "instruction segment"
	case VectorExternal:
		return "external interrupt"
	case VectorAlignment:
		return "alignment"
	case VectorProgram:
		switch {
		case f.MSR&programTrap != 0:
			return "trap instruction"
		case f.MSR&programFloat != 0:
			return "floating-point exception"
		case f.MSR&programPrivileged != 0:
			return "privileged instruction"
		}
		return "illegal instruction"
	case VectorFloat, VectorVector, VectorVSX, VectorFacility:
		return "unavailable facility"
	case VectorDecrementer:
		return "decrementer"
	case VectorSystemCall:
		return "system call"
	case VectorTrace:
		return "trace"
	}
	return "interrupt"
}
