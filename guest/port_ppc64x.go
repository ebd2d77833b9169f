//go:build ppc64 || ppc64le

package guest

import (
	"encoding/binary"

	"pvboot/arch/ppc64"
)

// The machine's console is the hypervisor's or OPAL's.

// H_GET_TERM_CHAR gives up to 16 bytes in three registers, how many first;
// H_PUT_TERM_CHAR takes them so, the first byte topmost (LoPAR, 16.7.2.2).
const (
	hGetTermChar = 0x54
	hPutTermChar = 0x58
	termBytes    = 16
)

// Terminal 0 of OPAL's, and the numbers of its calls (skiboot,
// include/opal-api.h).
const (
	terminal         = 0
	opalConsoleWrite = 1
	opalConsoleRead  = 2
)

func portThere() bool { return found.papr.vtys > 0 || found.papr.opal.entry != 0 }

func portOpen() {}

// portLeft is input that came and was not asked for.
var portLeft struct {
	n int
	b [termBytes]byte
}

func portRead(p []byte) int {
	if found.papr.vtys == 0 {
		return opalConsole(opalConsoleRead, p)
	}
	l := &portLeft
	if l.n == 0 {
		result := ppc64.Hcall(hGetTermChar, uint64(found.papr.vty[0]), 0, 0, 0)
		if result.Status != 0 || result.Values[0] > termBytes {
			return 0
		}
		l.n = int(result.Values[0])
		binary.BigEndian.PutUint64(l.b[:], result.Values[1])
		binary.BigEndian.PutUint64(l.b[8:], result.Values[2])
	}
	n := copy(p, l.b[:l.n])
	l.n = copy(l.b[:], l.b[n:l.n])
	return n
}

func portWrite(p []byte) int {
	if found.papr.vtys == 0 {
		return opalConsole(opalConsoleWrite, p)
	}
	return putTerm(found.papr.vty[0], p)
}

// putTerm writes a few bytes to a console of the hypervisor's.
func putTerm(unit uint32, p []byte) int {
	var b [termBytes]byte
	n := copy(b[:], p)
	first, second := binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])
	if ppc64.Hcall(hPutTermChar, uint64(unit), uint64(n), first, second).Status != 0 {
		return 0
	}
	return n
}

// opalCount is the length that OPAL's console is given and gives back.
var opalCount uint64

// opalConsole reads or writes p. The driver behind the console runs when events
// are polled for.
func opalConsole(number uint64, p []byte) int {
	opal(opalPollEvents, 0, 0, 0)
	if len(p) == 0 {
		return 0
	}
	count := memory(uint64(addressOf(&opalCount)), 8)
	binary.BigEndian.PutUint64(count, uint64(len(p)))
	if opal(number, terminal, uint64(addressOf(&opalCount)), physicalOf(uint64(addressOf(&p[0])))) != 0 {
		return 0
	}
	return int(min(binary.BigEndian.Uint64(count), uint64(len(p))))
}

// portIdle: what the hypervisor has taken has left; OPAL sends it while events are
// polled for.
func portIdle() bool {
	opal(opalPollEvents, 0, 0, 0)
	return true
}
