package guest

// Signals as Linux numbers them, and the reasons the runtime tells apart
// (uapi/asm-generic/siginfo.h).
const (
	sigILL  = 4
	sigTRAP = 5
	sigABRT = 6
	sigBUS  = 7
	sigFPE  = 8
	sigSEGV = 11
	sigURG  = 23
	sigs    = 65

	siKernel  = 0x80
	illIllOpn = 2
	fpeIntDiv = 1
	fpeFltInv = 7
	segvMaper = 1
	busAdrAln = 1
)

// stackT is stack_t.
type stackT struct {
	sp   uint64
	_    uint64 // flags
	size uint64
}

// siginfo is siginfo_t of a fault.
type siginfo struct {
	signo, _, code, _ int32
	addr              uint64
	_                 [104]byte
}

var (
	handlers [sigs]kernelSigaction
	altStack stackT
	inFault  bool
	// delivered is the address of the last sigframe.
	delivered uint64
)

// sigaction is rt_sigaction(2).
func sigaction(sig, new, old uint64) int64 {
	if sig >= sigs {
		return -einval
	}
	if old != 0 {
		*at[kernelSigaction](old) = handlers[sig]
	}
	if new != 0 {
		handlers[sig] = *at[kernelSigaction](new)
	}
	return 0
}

// sigaltstack is sigaltstack(2).
func sigaltstack(new, old uint64) int64 {
	if old != 0 {
		*at[stackT](old) = altStack
	}
	if new != 0 {
		altStack = *at[stackT](new)
	}
	return 0
}

// raise is tgkill(2) to the only thread. The runtime sends SIGURG to
// preempt, which one thread need not, and others to end itself.
func raise(sig uint64) int64 {
	if sig != 0 && sig != sigURG {
		put("pvboot: ended by signal ")
		putInt(int64(sig))
		put("\n")
		exit(exitCrash)
	}
	return 0
}
