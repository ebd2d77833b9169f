package hypercall

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Ref is a grant reference (public/grant_table.h, grant_ref_t).
type Ref uint32

// Commands of OpGrantTable (public/grant_table.h).
const (
	GnttabOpSetupTable = 2
	GnttabOpQuerySize  = 6
	GnttabOpSetVersion = 8
	GnttabOpGetVersion = 10
)

// Grant entries of version 1: eight bytes, flags (16 bits), domid (16 bits),
// frame (32 bits). The first eight entries belong to the toolstack.
const (
	GrantEntrySize     = 8
	GrantsPerFrame     = 4096 / GrantEntrySize
	GrantReserved      = 8 // GNTTAB_NR_RESERVED_ENTRIES
	GrantConsole   Ref = 0 // GNTTAB_RESERVED_CONSOLE
	GrantXenstore  Ref = 1 // GNTTAB_RESERVED_XENSTORE
)

// Flags of a grant entry (GTF_*).
const (
	GrantInvalid      = 0
	GrantPermitAccess = 1 << 0
	GrantTypeMask     = 3 << 0
	GrantReadOnly     = 1 << 2
	GrantReading      = 1 << 3 // set by Xen while mapped or copied from
	GrantWriting      = 1 << 4 // set by Xen while mapped for writing
)

// GrantHead turns the first word of a grant entry, which is accessed as one, into
// flags in the lower half and the domain in the upper, and back: in memory the
// flags come first, in either byte order.
func GrantHead(word uint32) uint32 {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return bits.RotateLeft32(word, 16)
	}
	return word
}

// MaxSetupTable is the most frames that [GnttabSetupTable] asks for.
const MaxSetupTable = 1024

// SetupTable is struct gnttab_setup_table.
type SetupTable struct {
	Dom       DomID
	NrFrames  uint32
	Status    GrantStatus // out
	FrameList *uint64     // array of NrFrames frame numbers, out
}

// QuerySize is struct gnttab_query_size. Frames count grant table pages.
type QuerySize struct {
	Dom         DomID
	NrFrames    uint32      // out
	MaxNrFrames uint32      // out
	Status      GrantStatus // out
}

// GrantVersion is struct gnttab_get_version; gnttab_set_version is its last
// field alone.
type GrantVersion struct {
	Dom     DomID
	Pad     uint16
	Version uint32 // out
}

// GrantStatus is the status field of grant table operations (GNTST_*).
type GrantStatus int16

// Values of a GrantStatus.
const (
	GrantOkay             GrantStatus = 0
	GrantGeneralError     GrantStatus = -1
	GrantBadDomain        GrantStatus = -2
	GrantBadRef           GrantStatus = -3
	GrantBadHandle        GrantStatus = -4
	GrantPermissionDenied GrantStatus = -8
	GrantBadPage          GrantStatus = -9
	GrantBadCopyArg       GrantStatus = -10
)

var grantStatusNames = map[GrantStatus]string{
	GrantOkay:             "GNTST_okay",
	GrantGeneralError:     "GNTST_general_error",
	GrantBadDomain:        "GNTST_bad_domain",
	GrantBadRef:           "GNTST_bad_gntref",
	GrantBadHandle:        "GNTST_bad_handle",
	GrantPermissionDenied: "GNTST_permission_denied",
	GrantBadPage:          "GNTST_bad_page",
	GrantBadCopyArg:       "GNTST_bad_copy_arg",
}

// Error gives the status's name.
func (s GrantStatus) Error() string {
	if n, ok := grantStatusNames[s]; ok {
		return n
	}
	return fmt.Sprintf("GNTST %d", int16(s))
}

// GnttabQuerySize returns the grant table's present and largest size in
// frames of [GrantsPerFrame] version 1 entries.
func GnttabQuerySize(h Hypervisor) (frames, limit uint32, err error) {
	a := &QuerySize{Dom: DomSelf}
	if _, err := result("GNTTABOP_query_size", h.Call(OpGrantTable, Int(GnttabOpQuerySize), Ptr(a), Int(1))); err != nil {
		return 0, 0, err
	}
	if a.Status != GrantOkay {
		return 0, 0, fmt.Errorf("GNTTABOP_query_size: %w", a.Status)
	}
	return a.NrFrames, a.MaxNrFrames, nil
}

// GnttabSetupTable makes the grant table at least n frames long (1 to
// [MaxSetupTable]) and returns the numbers of the first n. In a PV domain these
// are the machine frames to map; elsewhere they say where a frame was put by
// [MemoryAddToPhysmap], all ones where it was not.
func GnttabSetupTable(h Hypervisor, n int) ([]uint64, error) {
	if n <= 0 || n > MaxSetupTable {
		return nil, fmt.Errorf("GNTTABOP_setup_table: %d frames: %w", n, ErrInvalid)
	}
	list := make([]uint64, n)
	a := &SetupTable{Dom: DomSelf, NrFrames: uint32(n), FrameList: &list[0]}
	if _, err := result("GNTTABOP_setup_table", h.Call(OpGrantTable, Int(GnttabOpSetupTable), Ptr(a), Int(1))); err != nil {
		return nil, err
	}
	if a.Status != GrantOkay {
		return nil, fmt.Errorf("GNTTABOP_setup_table: %w", a.Status)
	}
	return list, nil
}

// GnttabGetVersion returns the version (1 or 2) of the grant table's entries.
func GnttabGetVersion(h Hypervisor) (uint32, error) {
	a := &GrantVersion{Dom: DomSelf}
	_, err := result("GNTTABOP_get_version", h.Call(OpGrantTable, Int(GnttabOpGetVersion), Ptr(a), Int(1)))
	return a.Version, err
}

// GnttabSetVersion asks for a version of the grant table's entries. Xen
// refuses with EBUSY while entries from [GrantReserved] on are in use.
func GnttabSetVersion(h Hypervisor, version uint32) error {
	_, err := result("GNTTABOP_set_version", h.Call(OpGrantTable, Int(GnttabOpSetVersion), Ptr(&version), Int(1)))
	return err
}
