//go:build ppc64le

package ppc64

// state is the guest's processor while it does not run, and what the hypervisor
// needs again when it does. The switch code knows the offsets (switch_ppc64le.h).
type state struct {
	r       [32]uint64
	pc, msr uint64
	_       [14]uint64 // LR, CTR, XER, CR, SRR0, SRR1, DAR, DSISR, SPRG0 to 3, PIDR, AMR
	_       [2]uint64  // IAMR, FPSCR
	vector  uint64
	hdar    uint64 // of a fault of the second stage
	hdsisr  uint64
	asdr    uint64
	_       uint64        // VRSAVE
	lpcr    uint64        // the guest's
	slice   uint64        // HDEC: how long it may run
	_       [9]uint64     // the hypervisor's own
	_       [64][2]uint64 // VS0 to VS63
}

// enter runs the guest until an interrupt comes that is the hypervisor's.
func enter(s *state)

// setUp makes the hypervisor's interrupts arrive in its byte order, and the guest
// have all facilities. It returns LPCR.
func setUp() uint64

// putCode writes instructions to the first pages of memory, which are not mapped.
func putCode(addr uint64, words *uint32, n int)

// exitCode is where vectors lead.
func exitCode() uint64

// flushGuest makes new entries of partition and process tables seen.
func flushGuest()
