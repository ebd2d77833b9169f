package guest

import (
	"sync/atomic"

	"pvboot/hypercall"
)

// Until a program has a console of its own, a PV domain's output goes into the
// console's ring itself (struct xencons_interface, public/io/console.h): there is
// no debug port in ring 3.
const (
	ringOut     = 1024 // offset of the output's bytes
	ringOutSize = 2048
	ringOutCons = 3080 // offsets of the indices
	ringOutProd = 3084

	evtchnOpSend = 4
)

// consolePort is EVTCHNOP_send's operand.
var consolePort uint32

// ringOutput writes as much of p as there is room for, with the line ends of a
// terminal.
func ringOutput(p []byte) (n int) {
	if pv == nil || pvInfo.ConsolePage == 0 {
		return 0
	}
	page := pvInfo.ConsolePage
	cons, prod := at[uint32](page+ringOutCons), at[uint32](page+ringOutProd)
	end := atomic.LoadUint32(prod)
	room := ringOutSize - int(end-atomic.LoadUint32(cons))
	for ; n < len(p) && room >= 2; n++ {
		if p[n] == '\n' {
			*at[byte](page + ringOut + uint64(end%ringOutSize)) = '\r'
			end++
			room--
		}
		*at[byte](page + ringOut + uint64(end%ringOutSize)) = p[n]
		end++
		room--
	}
	atomic.StoreUint32(prod, end)
	consolePort = uint32(pvInfo.Console.Port)
	hypercall.Trap(hypercall.OpEventChannel, evtchnOpSend, addressOf(&consolePort), 0, 0, 0)
	return n
}

// flushOutput gives the console time to take what is kept.
func flushOutput() {
	const naps, nap = 2000, 1e6 // ns
	for i := 0; i < naps && pv != nil && sink == nil && kept.n > 0; i++ {
		n := ringOutput(kept.b[:kept.n])
		kept.n = copy(kept.b[:], kept.b[n:kept.n])
		if onXen {
			block(nap)
		} else {
			hypercall.Trap(hypercall.OpSched, hypercall.SchedOpYield, 0, 0, 0, 0)
		}
	}
}
