//go:build arm64 || riscv64 || ppc64le || ppc64

package guest

import _ "unsafe" // for linkname

// onException delivers a fault to the runtime's signal handler, which makes
// a Go panic or a trace of it, or ends the guest with a register dump.
//
//go:linkname onException runtime/goos.OnException
func onException(f *frame) {
	if skipProbe(f) {
		return
	}
	if inFault || nested(f) {
		broken = true
		put("pvboot: fault in the fault handler\n")
		exit(exitCrash)
	}
	inFault = true
	sig, code := signalOf(f)
	h := &handlers[sig]
	sp := stackOf(f)
	onSignalStack := sp >= altStack.sp && sp-altStack.sp < altStack.size
	broken = onHandlerStack(sp)
	if sig == 0 || h.handler <= 1 || altStack.size < 8192 || onSignalStack || broken {
		dump(f)
		exit(exitCrash)
	}
	deliver(f, h, sig, code)
	inFault = false
}

// onSigreturn is rt_sigreturn(2). The frame is where deliver put it: handlers
// do not nest.
//
//go:linkname onSigreturn runtime/goos.OnSigreturn
func onSigreturn(f *frame) { resume(f) }

// putRegisters prints registers with their numbers, four a line.
func putRegisters(prefix string, values []uint64) {
	for i, v := range values {
		if i%4 == 0 {
			put("\n")
		}
		put(" ")
		put(prefix)
		putInt(int64(i))
		if i < 10 {
			put(" ")
		}
		put(" ")
		putHex(v)
	}
	put("\n")
}
