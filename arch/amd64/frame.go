//go:build amd64

package amd64

// Frame is the interrupted state that handlers see and may change. The order
// is that of PUSH_REGS in trap_amd64.s, then what the processor pushes.
type Frame struct {
	FX                                   uintptr // FXSAVE area, 0 for none
	R15, R14, R13, R12, R11, R10, R9, R8 uint64
	RBP, RDI, RSI, RDX, RCX, RBX, RAX    uint64
	Vector, Error                        uint64
	RIP, CS, RFLAGS, RSP, SS             uint64
}

// Exception vectors (SDM table 6-1, APM table 8-1).
const (
	DivideError        = 0
	Debug              = 1
	NMI                = 2
	Breakpoint         = 3
	Overflow           = 4
	BoundRange         = 5
	InvalidOpcode      = 6
	DeviceNotAvailable = 7
	DoubleFault        = 8
	InvalidTSS         = 10
	SegmentNotPresent  = 11
	StackFault         = 12
	GeneralProtection  = 13
	PageFault          = 14
	X87Error           = 16
	AlignmentCheck     = 17
	MachineCheck       = 18
	SIMDError          = 19
)

// vectorNames has the manuals' short names, for register dumps.
var vectorNames = [32]string{
	"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM",
	"#DF", "", "#TS", "#NP", "#SS", "#GP", "#PF", "",
	"#MF", "#AC", "#MC", "#XM", "#VE", "#CP", "", "",
	"", "", "", "", "#HV", "#VC", "#SX", "",
}

// Name is the short name of the frame's vector, "#PF" for a page fault.
func (f *Frame) Name() string {
	if f.Vector < 32 && vectorNames[f.Vector] != "" {
		return vectorNames[f.Vector]
	}
	return "vector?"
}
