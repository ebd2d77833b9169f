package guest

// The root system description pointer (ACPI Specification 6.5, 5.2.5.3).
const (
	rsdpSignature = "RSD PTR "
	rsdpAlign     = 16
	rsdpSize      = 20 // of revision 0, which the first checksum is over
	rsdpSize2     = 36 // from revision 2 on
)

// Types of ranges that firmware has its tables in (ACPI Specification 6.5,
// table 15.5).
const (
	typeACPI    = 3
	typeACPINVS = 4
)

// rsdpSearch bounds how much of a range is searched: Xen's toolstack needs
// some ten pages for all tables.
const rsdpSearch = 1 << 20

// searchRSDP looks for the root pointer in a memory map's ranges for ACPI
// tables, 0 if it finds none. view shows memory, or nil.
func searchRSDP(memory []Range, view func(addr, size uint64) []byte) uint64 {
	for _, r := range memory {
		if r.Type != typeACPI && r.Type != typeACPINVS {
			continue
		}
		b := view(r.Start, min(r.Size, rsdpSearch))
		for at := int(-r.Start & (rsdpAlign - 1)); at+rsdpSize <= len(b); at += rsdpAlign {
			if isRSDP(b[at:]) {
				return r.Start + uint64(at)
			}
		}
	}
	return 0
}

// isRSDP tells whether b, of rsdpSize bytes at least, begins with a root
// pointer whose checksums are right.
func isRSDP(b []byte) bool {
	if string(b[:len(rsdpSignature)]) != rsdpSignature || sum(b[:rsdpSize]) != 0 {
		return false
	}
	const revision, length = 15, 20
	if b[revision] < 2 {
		return true
	}
	if len(b) < rsdpSize2 {
		return false
	}
	n := uint64(word(b, length))
	return n >= rsdpSize2 && n <= uint64(len(b)) && sum(b[:n]) == 0
}

// sum is the sum of all bytes.
func sum(b []byte) (n byte) {
	for _, c := range b {
		n += c
	}
	return n
}
