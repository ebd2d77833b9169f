//go:build ppc64 || ppc64le

package guest

import "pvboot/arch/ppc64"

// frame is the interrupted state.
type frame = ppc64.Frame

// kernelSigaction is struct kernel_sigaction.
type kernelSigaction struct{ handler, _, _, _ uint64 } // flags, restorer, mask

// ptregs is struct pt_regs (arch/powerpc/include/uapi/asm/ptrace.h).
type ptregs struct {
	gpr                    [32]uint64
	nip, msr, _            uint64
	ctr, link, xer, ccr    uint64
	_, trap, dar, dsisr, _ uint64
}

// ucontext is struct ucontext as far as the runtime looks at it
// (arch/powerpc/include/uapi/asm/ucontext.h and sigcontext.h).
type ucontext struct {
	_     [2]uint64 // flags, link
	stack stackT
	_     [16]uint64 // signal mask
	_     [7]uint64  // signal, handler, mask
	regs  uint64     // address of struct pt_regs
}

// sigframe is what lies on the signal stack when a handler starts, with the
// registers beside it and the floating-point state in a place of its own.
type sigframe struct {
	// What a handler may write to: its caller's link register and so on
	// (64-Bit ELF V2 ABI Specification: Power Architecture, 2.2.2).
	_       [16]uint64
	info    siginfo
	context ucontext
	regs    ptregs
	fpscr   uint64
	vs      [64][2]uint64
}

// signalOf says which signal Linux sends for an interrupt; 0 for none.
func signalOf(f *frame) (sig, code int32) {
	switch f.Vector {
	case ppc64.VectorData, ppc64.VectorDataSegment, ppc64.VectorCode, ppc64.VectorCodeSegment:
		return sigSEGV, segvMaper
	case ppc64.VectorAlignment:
		return sigBUS, busAdrAln
	case ppc64.VectorProgram:
		switch {
		case f.Trap():
			return sigTRAP, siKernel
		case f.FloatingPoint():
			return sigFPE, fpeFltInv
		}
		return sigILL, illIllOpn
	case ppc64.VectorFacility, ppc64.VectorFloat, ppc64.VectorVector, ppc64.VectorVSX:
		return sigILL, illIllOpn
	}
	return 0, 0
}

// nested reports a fault within a handler.
func nested(f *frame) bool { return f.Nested != 0 }

// stackOf is the interrupted stack pointer.
func stackOf(f *frame) uint64 { return f.R[1] }

func onHandlerStack(sp uint64) bool { return ppc64.OnHandlerStack(sp) }

// skipProbe: there is no instruction to try here.
func skipProbe(f *frame) bool { return false }

// faultAddress is the address that an access went to, or a fetch.
func faultAddress(f *frame) uint64 {
	switch f.Vector {
	case ppc64.VectorData, ppc64.VectorDataSegment, ppc64.VectorAlignment:
		return f.DAR
	}
	return f.NIP
}

// deliver makes f enter the signal handler, as Linux would.
func deliver(f *frame, h *kernelSigaction, sig, code int32) {
	sp := (altStack.sp + altStack.size - sigframeSize) &^ 15
	delivered = sp
	s := at[sigframe](sp)
	*s = sigframe{}
	s.info.signo, s.info.code, s.info.addr = sig, code, faultAddress(f)
	s.context.stack = altStack
	s.context.regs = uint64(addressOf(&s.regs))
	r := &s.regs
	r.gpr, r.nip, r.msr, r.ctr, r.link, r.xer, r.ccr = f.R, f.NIP, f.MSR, f.CTR, f.LR, f.XER, f.CR
	r.trap, r.dar, r.dsisr = f.Vector, faultAddress(f), f.DSISR
	s.fpscr, s.vs = f.FPSCR, f.VS

	f.R[1] = sp
	f.R[3] = uint64(sig)
	f.R[4] = uint64(addressOf(&s.info))
	f.R[5] = uint64(addressOf(&s.context))
	f.LR = uint64(ppc64.SigReturn())
	f.NIP = handlerCode(h.handler)
	f.R[12] = f.NIP
	f.MSR &^= programReasons
}

// programReasons are the bits that an interrupt leaves in its MSR beside the
// interrupted one's (Power ISA 3.0B, book III, 6.4.3).
const programReasons = 0x783f0000

// resume undoes deliver: f becomes what the signal handler left of what it
// interrupted.
func resume(f *frame) {
	s := at[sigframe](delivered)
	r := &s.regs
	f.R, f.NIP, f.CTR, f.LR, f.XER, f.CR = r.gpr, r.nip, r.ctr, r.link, r.xer, r.ccr
	f.MSR = r.msr &^ programReasons
	f.FPSCR, f.VS = s.fpscr, s.vs
}

// dump prints a fault that no Go code can answer.
func dump(f *frame) {
	put("pvboot: fault ")
	put(f.Name())
	put(" at ")
	putHex(f.NIP)
	put(" dar ")
	putHex(f.DAR)
	put(" dsisr ")
	putHex(f.DSISR)
	put("\n msr ")
	putHex(f.MSR)
	put(" lr ")
	putHex(f.LR)
	put(" ctr ")
	putHex(f.CTR)
	putRegisters("r", f.R[:])
}
