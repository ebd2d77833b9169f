//go:build amd64

package amd64

import "pvboot/hypercall"

// pvTraps ends with an empty entry.
var pvTraps [idtEntries + 1]hypercall.TrapInfo

// loadTraps has Xen deliver the exceptions of a PV domain. NMIs are asked for
// elsewhere (nmi_op), and not wanted.
func loadTraps() {
	n := 0
	for vector, handler := range pvVectorAddresses() {
		if vector != NMI {
			pvTraps[n] = hypercall.TrapInfo{Vector: uint8(vector), CS: hypercall.FlatCS64, Address: uint64(handler)}
			n++
		}
	}
	hypercall.Trap(hypercall.OpSetTrapTable, addressOf(&pvTraps), 0, 0, 0, 0)
}
