package console

import (
	"unsafe"

	"pvboot/hypercall"
)

// rawYields is how often a raw writer gives the processor away while the
// other end takes nothing, before it drops the rest.
const rawYields = 20000

// Raw returns a writer for a runtime's own output, the trace of a panic above
// all (guest.SetConsole). It takes no lock, allocates nothing and may be called
// in the middle of anything; line feeds get a carriage return. Output that
// nobody takes is dropped after a bounded number of yields.
func (c *Console) Raw() func(p []byte) {
	port := &hypercall.PortArg{Port: c.conn.Port} // made now: later there may be no heap
	notify := func() {
		hypercall.Trap(hypercall.OpEventChannel, hypercall.EvtchnOpSend, uintptr(unsafe.Pointer(port)), 0, 0, 0)
	}
	yield := func() { hypercall.Trap(hypercall.OpSched, hypercall.SchedOpYield, 0, 0, 0, 0) }
	return c.raw(notify, yield)
}

var crLF = []byte("\r\n")

func (c *Console) raw(notify, yield func()) func(p []byte) {
	put := func(p []byte) bool {
		for tries := 0; len(p) > 0; {
			n, err := c.ring.Write(p)
			if err != nil {
				return false
			}
			if n > 0 {
				notify()
				p = p[n:]
				continue
			}
			if tries++; tries > rawYields {
				return false
			}
			yield()
		}
		return true
	}
	return func(p []byte) {
		for len(p) > 0 {
			n := 0
			for n < len(p) && p[n] != '\n' {
				n++
			}
			if !put(p[:n]) {
				return
			}
			if p = p[n:]; len(p) > 0 {
				if !put(crLF) {
					return
				}
				p = p[1:]
			}
		}
	}
}
