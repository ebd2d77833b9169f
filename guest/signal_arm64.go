package guest

import "pvboot/arch/arm64"

// frame is the interrupted state.
type frame = arm64.Frame

// kernelSigaction is struct kernel_sigaction.
type kernelSigaction struct{ handler, _, _, _ uint64 } // flags, restorer, mask

// ucontext is struct ucontext as far as the runtime looks at it
// (arch/arm64/include/uapi/asm/ucontext.h and sigcontext.h).
type ucontext struct {
	_            [2]uint64 // flags, link
	stack        stackT
	_            [1024 / 8]byte // signal mask
	_            uint64         // the next is 16-byte aligned
	faultAddress uint64
	regs         [31]uint64
	sp, pc       uint64
	pstate       uint64
}

// sigframe is what lies on the signal stack when a handler starts (struct
// rt_sigframe, arch/arm64/kernel/signal.c), with the floating-point state in a
// place of its own.
type sigframe struct {
	info       siginfo
	context    ucontext
	fpsr, fpcr uint64
	v          [32][2]uint64
}

// signalOf says which signal Linux sends for an exception; 0 for none.
func signalOf(f *frame) (sig, code int32) {
	if f.Vector != arm64.VectorSync {
		return 0, 0
	}
	switch f.Class() {
	case arm64.ClassDataAbort:
		if f.Misaligned() {
			return sigBUS, busAdrAln
		}
		return sigSEGV, segvMaper
	case arm64.ClassInstrAbort:
		return sigSEGV, segvMaper
	case arm64.ClassPCAlignment, arm64.ClassSPAlignment:
		return sigBUS, busAdrAln
	case arm64.ClassUnknown, arm64.ClassIllegalState:
		return sigILL, illIllOpn
	case arm64.ClassFloatingPoint:
		return sigFPE, fpeFltInv
	case arm64.ClassBRK, arm64.ClassBreakpoint, arm64.ClassSoftwareStep, arm64.ClassWatchpoint:
		return sigTRAP, siKernel
	}
	return 0, 0
}

// nested reports a fault within a handler.
func nested(f *frame) bool { return f.Vector >= arm64.NestedVector }

// stackOf is the interrupted stack pointer.
func stackOf(f *frame) uint64 { return f.SP }

func onHandlerStack(sp uint64) bool { return arm64.OnHandlerStack(sp) }

// skipProbe goes on behind a semihosting call that nobody answered.
func skipProbe(f *frame) bool {
	const hlt = 0xd45e0000 // HLT #0xf000
	if f.Vector != arm64.VectorSync || f.Class() != arm64.ClassUnknown || *at[uint32](f.PC) != hlt {
		return false
	}
	f.PC += 4
	return true
}

// deliver makes f enter the signal handler, as Linux would.
func deliver(f *frame, h *kernelSigaction, sig, code int32) {
	sp := (altStack.sp + altStack.size - sigframeSize) &^ 15
	delivered = sp
	s := at[sigframe](sp)
	*s = sigframe{}
	s.info.signo, s.info.code = sig, code
	switch f.Class() {
	case arm64.ClassDataAbort, arm64.ClassInstrAbort, arm64.ClassPCAlignment:
		s.info.addr = f.FAR
	default:
		s.info.addr = f.PC
	}
	c := &s.context
	c.stack = altStack
	c.faultAddress = s.info.addr
	c.regs, c.sp, c.pc, c.pstate = f.X, f.SP, f.PC, f.PSTATE
	s.fpsr, s.fpcr, s.v = f.FPSR, f.FPCR, f.V

	f.X[0] = uint64(sig)
	f.X[1] = uint64(addressOf(&s.info))
	f.X[2] = uint64(addressOf(&s.context))
	f.X[29] = 0
	f.X[30] = uint64(arm64.SigReturn())
	f.SP = sp
	f.PC = h.handler
	f.PSTATE = arm64.PSTATEEL1t
}

// resume undoes deliver: f becomes what the signal handler left of what it
// interrupted.
func resume(f *frame) {
	s := at[sigframe](delivered)
	c := &s.context
	f.X, f.SP, f.PC = c.regs, c.sp, c.pc
	f.PSTATE = arm64.PSTATEEL1t | c.pstate&arm64.PSTATEFlags
	f.FPSR, f.FPCR, f.V = s.fpsr, s.fpcr, s.v
}

// dump prints a fault that no Go code can answer.
func dump(f *frame) {
	put("pvboot: fault ")
	put(f.Name())
	put(" esr ")
	putHex(f.ESR)
	put(" at ")
	putHex(f.PC)
	put(" far ")
	putHex(f.FAR)
	put("\n sp  ")
	putHex(f.SP)
	put(" pstate ")
	putHex(f.PSTATE)
	putRegisters("x", f.X[:])
}
