package riscv64

// Frame is the interrupted state that handlers see and may change. The order
// is that of entry_riscv64.h. A system call's frame has no more than X (but X31)
// and PC.
type Frame struct {
	X      [32]uint64 // x0 to x31; x0 means nothing
	PC     uint64     // sepc
	Status uint64     // sstatus
	Cause  uint64     // scause
	Value  uint64     // stval: the address of a page fault
	Nested uint64     // 1 for an exception within a handler
	FCSR   uint64
	F      [32]uint64
}

// Causes of exceptions (volume II, "Supervisor Cause (scause) Register").
const (
	CauseFetchMisaligned = 0
	CauseFetchAccess     = 1
	CauseIllegal         = 2
	CauseBreakpoint      = 3
	CauseLoadMisaligned  = 4
	CauseLoadAccess      = 5
	CauseStoreMisaligned = 6
	CauseStoreAccess     = 7
	CauseFetchPage       = 12
	CauseLoadPage        = 13
	CauseStorePage       = 15
	causeInterrupt       = 1 << 63
)

// Name says in words what happened, for register dumps.
func (f *Frame) Name() string {
	switch f.Cause {
	case CauseFetchMisaligned:
		return "misaligned instruction address"
	case CauseFetchAccess:
		return "instruction access fault"
	case CauseIllegal:
		return "illegal instruction"
	case CauseBreakpoint:
		return "breakpoint"
	case CauseLoadMisaligned:
		return "misaligned load"
	case CauseLoadAccess:
		return "load access fault"
	case CauseStoreMisaligned:
		return "misaligned store"
	case CauseStoreAccess:
		return "store access fault"
	case CauseFetchPage:
		return "instruction page fault"
	case CauseLoadPage:
		return "load page fault"
	case CauseStorePage:
		return "store page fault"
	}
	if f.Cause&causeInterrupt != 0 {
		return "interrupt"
	}
	return "exception"
}
