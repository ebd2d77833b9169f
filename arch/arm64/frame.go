package arm64

// Frame is the interrupted state that handlers see and may change. The order
// is that of entry_arm64.h. A system call's frame has no more than X (but X16),
// SP and PC.
type Frame struct {
	X      [31]uint64
	SP, PC uint64
	PSTATE uint64 // SPSR_EL1
	ESR    uint64 // syndrome
	FAR    uint64 // fault address, where the syndrome says it is valid
	Vector uint64 // see VectorSync and so on
	FPSR   uint64
	FPCR   uint64
	_      uint64
	V      [32][2]uint64
}

// Vectors: entries of the vector table (D1.4.1, "Exception vectors").
// NestedVector and those above it are exceptions within a handler.
const (
	VectorSync   = 0
	VectorIRQ    = 1
	VectorFIQ    = 2
	VectorSError = 3
	NestedVector = 4
)

// Exception classes, ESR_EL1.EC (D24.2, "ESR_EL1").
const (
	ClassUnknown       = 0x00
	ClassFPTrap        = 0x07
	ClassIllegalState  = 0x0e
	ClassSVC           = 0x15
	ClassInstrAbort    = 0x21 // without a change of exception level
	ClassPCAlignment   = 0x22
	ClassDataAbort     = 0x25 // likewise
	ClassSPAlignment   = 0x26
	ClassFloatingPoint = 0x2c
	ClassSError        = 0x2f
	ClassBreakpoint    = 0x31
	ClassSoftwareStep  = 0x33
	ClassWatchpoint    = 0x35
	ClassBRK           = 0x3c
)

// PSTATE as SPSR_EL1 has it (C5.2, "SPSR_EL1").
const (
	PSTATEEL1t  = 0x3c4     // EL1 on SP_EL0, DAIF masked
	PSTATEFlags = 0xf << 28 // condition flags
)

// Fields of ESR_EL1.
const (
	alignmentFault      = 0x21 // DFSC
	faultStatusMask     = 0x3f
	exceptionClassShift = 26
)

// Class is the exception class of a synchronous exception.
func (f *Frame) Class() uint64 { return f.ESR >> exceptionClassShift & 0x3f }

// Misaligned reports a data abort because of an unaligned access.
func (f *Frame) Misaligned() bool { return f.ESR&faultStatusMask == alignmentFault }

// Name says in words what happened, for register dumps.
func (f *Frame) Name() string {
	switch f.Vector & 3 {
	case VectorIRQ:
		return "IRQ"
	case VectorFIQ:
		return "FIQ"
	case VectorSError:
		return "SError (of an earlier access, maybe another program's)"
	}
	switch f.Class() {
	case ClassUnknown:
		return "undefined instruction"
	case ClassFPTrap:
		return "trapped floating-point access"
	case ClassIllegalState:
		return "illegal execution state"
	case ClassSVC:
		return "SVC"
	case ClassInstrAbort:
		return "instruction abort"
	case ClassPCAlignment:
		return "PC alignment"
	case ClassDataAbort:
		return "data abort"
	case ClassSPAlignment:
		return "SP alignment"
	case ClassFloatingPoint:
		return "floating-point exception"
	case ClassSError:
		return "SError"
	case ClassBreakpoint, ClassSoftwareStep, ClassWatchpoint:
		return "debug exception"
	case ClassBRK:
		return "BRK"
	}
	return "synchronous exception"
}
