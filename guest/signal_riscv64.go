package guest

import "pvboot/arch/riscv64"

// frame is the interrupted state.
type frame = riscv64.Frame

// kernelSigaction is struct kernel_sigaction, which has no restorer; the
// runtime's has one at its end.
type kernelSigaction struct{ handler, _, _, _ uint64 } // flags, mask, restorer

// ucontext is struct ucontext as far as the runtime looks at it
// (arch/riscv/include/uapi/asm/ucontext.h, sigcontext.h and ptrace.h).
type ucontext struct {
	_     [2]uint64 // flags, link
	stack stackT
	_     [1024 / 8]byte // signal mask
	_     uint64         // the next is 16-byte aligned
	pc    uint64
	regs  [31]uint64 // x1 to x31
	f     [32]uint64 // struct __riscv_d_ext_state
	fcsr  uint64
	_     [(528 - 33*8) / 8]uint64
}

// sigframe is what lies on the signal stack when a handler starts (struct
// rt_sigframe, arch/riscv/kernel/signal.c).
type sigframe struct {
	info    siginfo
	context ucontext
}

// signalOf says which signal Linux sends for an exception; 0 for none.
func signalOf(f *frame) (sig, code int32) {
	switch f.Cause {
	case riscv64.CauseLoadPage, riscv64.CauseStorePage, riscv64.CauseFetchPage,
		riscv64.CauseLoadAccess, riscv64.CauseStoreAccess, riscv64.CauseFetchAccess:
		return sigSEGV, segvMaper
	case riscv64.CauseLoadMisaligned, riscv64.CauseStoreMisaligned, riscv64.CauseFetchMisaligned:
		return sigBUS, busAdrAln
	case riscv64.CauseIllegal:
		return sigILL, illIllOpn
	case riscv64.CauseBreakpoint:
		return sigTRAP, siKernel
	}
	return 0, 0
}

// nested reports a fault within a handler.
func nested(f *frame) bool { return f.Nested != 0 }

// stackOf is the interrupted stack pointer.
func stackOf(f *frame) uint64 { return f.X[2] }

func onHandlerStack(sp uint64) bool { return riscv64.OnHandlerStack(sp) }

// skipProbe has nothing to do: no instruction is tried that may not be there.
func skipProbe(f *frame) bool { return false }

// deliver makes f enter the signal handler, as Linux would.
func deliver(f *frame, h *kernelSigaction, sig, code int32) {
	sp := (altStack.sp + altStack.size - sigframeSize) &^ 15
	delivered = sp
	s := at[sigframe](sp)
	*s = sigframe{}
	s.info.signo, s.info.code = sig, code
	s.info.addr = f.PC
	if sig == sigSEGV || sig == sigBUS {
		s.info.addr = f.Value
	}
	c := &s.context
	c.stack = altStack
	c.pc, c.regs = f.PC, [31]uint64(f.X[1:])
	c.f, c.fcsr = f.F, f.FCSR

	f.X[10] = uint64(sig)
	f.X[11] = uint64(addressOf(&s.info))
	f.X[12] = uint64(addressOf(&s.context))
	f.X[1] = uint64(riscv64.SigReturn())
	f.X[2] = sp
	f.PC = h.handler
}

// resume undoes deliver: f becomes what the signal handler left of what it
// interrupted.
func resume(f *frame) {
	c := &at[sigframe](delivered).context
	f.PC = c.pc
	copy(f.X[1:], c.regs[:])
	f.F, f.FCSR = c.f, c.fcsr
}

// dump prints a fault that no Go code can answer.
func dump(f *frame) {
	put("pvboot: fault ")
	put(f.Name())
	put(" scause ")
	putHex(f.Cause)
	put(" at ")
	putHex(f.PC)
	put(" stval ")
	putHex(f.Value)
	put(" sstatus ")
	putHex(f.Status)
	putRegisters("x", f.X[:])
}
