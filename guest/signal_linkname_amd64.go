package guest

import (
	_ "unsafe" // for linkname

	"pvboot/arch/amd64"
)

// kernelSigaction is struct kernel_sigaction.
type kernelSigaction struct{ handler, _, restorer, _ uint64 } // flags, mask

// sigcontext is struct sigcontext_64 (uapi/asm/sigcontext.h).
type sigcontext struct {
	r8, r9, r10, r11, r12, r13, r14, r15 uint64
	di, si, bp, bx, dx, ax, cx, sp, ip   uint64
	flags                                uint64
	cs, _, _, ss                         uint16
	err, trapno, _, cr2, _               uint64
	_                                    [8]uint64
}

// sigframe is what lies on the signal stack when a handler starts, from its
// return address on (struct rt_sigframe, arch/x86/include/asm/sigframe.h).
type sigframe struct {
	restorer uint64
	ucFlags  uint64
	_        uint64 // uc_link
	ucStack  stackT
	context  sigcontext
	_        [16]uint64 // signal mask
	info     siginfo
	_        uint64
	fx       [512]byte
}

var (
	// resumed is the frame that a handler's return loads, with fx beside it.
	resumed   amd64.Frame
	resumedFX [512 + 16]byte
)

// signalOf says which signal Linux sends for an exception.
func signalOf(vector uint64) (sig, code int32) {
	switch vector {
	case amd64.DivideError:
		return sigFPE, fpeIntDiv
	case amd64.X87Error, amd64.SIMDError:
		return sigFPE, fpeFltInv
	case amd64.Debug, amd64.Breakpoint:
		return sigTRAP, siKernel
	case amd64.InvalidOpcode:
		return sigILL, illIllOpn
	case amd64.PageFault:
		return sigSEGV, segvMaper
	case amd64.GeneralProtection, amd64.Overflow, amd64.BoundRange:
		return sigSEGV, siKernel
	case amd64.StackFault, amd64.SegmentNotPresent:
		return sigBUS, siKernel
	case amd64.AlignmentCheck:
		return sigBUS, busAdrAln
	}
	return 0, 0
}

// onException delivers a fault to the runtime's signal handler, which makes
// a Go panic or a trace of it, or ends the guest with a register dump.
//
//go:linkname onException runtime/goos.OnException
func onException(f *amd64.Frame) {
	if inFault {
		broken = true
		put("pvboot: fault in the fault handler\n")
		exit(exitCrash)
	}
	inFault = true
	cr2 := amd64.CR2()
	sig, code := signalOf(f.Vector)
	h := &handlers[sig]
	onSignalStack := f.RSP >= altStack.sp && f.RSP-altStack.sp < altStack.size
	broken = amd64.OnHandlerStack(f.RSP)
	if sig == 0 || h.handler <= 1 || altStack.size < 8192 || onSignalStack || broken {
		dump(f, cr2)
		exit(exitCrash)
	}
	deliver(f, h, sig, code, cr2)
	inFault = false
}

// deliver makes f enter the signal handler, as Linux would.
func deliver(f *amd64.Frame, h *kernelSigaction, sig, code int32, cr2 uint64) {
	// A function's stack is 16-byte aligned before the return address.
	sp := (altStack.sp+altStack.size-sigframeSize)&^15 - 8
	delivered = sp
	s := at[sigframe](sp)
	*s = sigframe{}
	s.restorer = h.restorer
	s.ucStack = altStack
	c := &s.context
	c.r8, c.r9, c.r10, c.r11, c.r12, c.r13, c.r14, c.r15 = f.R8, f.R9, f.R10, f.R11, f.R12, f.R13, f.R14, f.R15
	c.di, c.si, c.bp, c.bx, c.dx, c.ax, c.cx = f.RDI, f.RSI, f.RBP, f.RBX, f.RDX, f.RAX, f.RCX
	c.sp, c.ip, c.flags, c.cs, c.ss = f.RSP, f.RIP, f.RFLAGS, uint16(f.CS), uint16(f.SS)
	c.err, c.trapno, c.cr2 = f.Error, f.Vector, cr2
	s.info.signo, s.info.code = sig, code
	if f.Vector == amd64.PageFault {
		s.info.addr = cr2
	} else if code != siKernel {
		s.info.addr = f.RIP
	}
	s.fx = *at[[512]byte](uint64(f.FX))

	f.RDI = uint64(sig)
	f.RSI = uint64(addressOf(&s.info))
	f.RDX = uint64(addressOf(&s.ucFlags))
	f.RAX = 0
	f.RIP = h.handler
	f.RSP = sp
	f.RFLAGS = 2 // bit 1 is always set; direction and interrupts off
}

// sigreturn is rt_sigreturn(2). The frame is where deliver put it: handlers
// do not nest.
func sigreturn() *amd64.Frame {
	s := at[sigframe](delivered)
	c := &s.context
	r := &resumed
	r.R8, r.R9, r.R10, r.R11, r.R12, r.R13, r.R14, r.R15 = c.r8, c.r9, c.r10, c.r11, c.r12, c.r13, c.r14, c.r15
	r.RDI, r.RSI, r.RBP, r.RBX, r.RDX, r.RAX, r.RCX = c.di, c.si, c.bp, c.bx, c.dx, c.ax, c.cx
	r.RSP, r.RIP, r.RFLAGS = c.sp, c.ip, c.flags
	r.CS, r.SS = uint64(c.cs), uint64(c.ss)
	fx := (addressOf(&resumedFX) + 15) &^ 15
	*at[[512]byte](uint64(fx)) = s.fx
	r.FX = fx
	return r
}

// dump prints a fault that no Go code can answer.
func dump(f *amd64.Frame, cr2 uint64) {
	put("pvboot: fault ")
	put(f.Name())
	put(" vector ")
	putInt(int64(f.Vector))
	put(" error ")
	putHex(f.Error)
	put(" at ")
	putHex(f.RIP)
	put(" cr2 ")
	putHex(cr2)
	for i, r := range [...]struct {
		name  string
		value uint64
	}{
		{"rax", f.RAX}, {"rbx", f.RBX}, {"rcx", f.RCX}, {"rdx", f.RDX},
		{"rsi", f.RSI}, {"rdi", f.RDI}, {"rbp", f.RBP}, {"rsp", f.RSP},
		{"r8 ", f.R8}, {"r9 ", f.R9}, {"r10", f.R10}, {"r11", f.R11},
		{"r12", f.R12}, {"r13", f.R13}, {"r14", f.R14}, {"r15", f.R15},
	} {
		if i%4 == 0 {
			put("\n")
		}
		put(" ")
		put(r.name)
		put(" ")
		putHex(r.value)
	}
	put("\n")
}
