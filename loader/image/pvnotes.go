package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"pvboot/internal/xennote"
)

// pvNotes is what a PV kernel says of itself in its notes, as Xen reads them
// (public/elfnote.h; xen/common/libelf, libelf-dominfo.c).
type pvNotes struct {
	entry       uint64 // virtual address
	virtBase    uint64 // of pseudo-physical address 0
	paddrOffset uint64 // what the ELF file's physical addresses begin from
	// initP2M is where the p2m list is to be mapped, and hypercall the virtual
	// address of the page of hypercall stubs; each with whether there is such a
	// note.
	initP2M, hypercall       uint64
	hasInitP2M, hasHypercall bool
	unmappedInitrd           bool // MOD_START_PFN
	symbols                  bool // BSD_SYMTAB
	guest                    pvGuest
}

// pvGuest is what Xen wants to know before it takes a kernel.
type pvGuest struct{ os, loader, xen string }

// ErrNotPV is the cause when an ELF file has no entry for PV domains.
var ErrNotPV = errors.New("not a PV kernel")

// sameLayout tells whether both ask for the same places in memory.
func (n pvNotes) sameLayout(m pvNotes) bool {
	return n.virtBase == m.virtBase && n.paddrOffset == m.paddrOffset && n.unmappedInitrd == m.unmappedInitrd && n.symbols == m.symbols &&
		n.hasInitP2M == m.hasInitP2M && n.initP2M == m.initP2M
}

// pvNotes takes the notes of a 64-bit PV kernel, after readNotes. Without a
// note of Xen's it is the section __xen_guest that counts.
func (e *elfFile) pvNotes() (pvNotes, error) {
	if e.machine == elf386 || !e.is64() {
		return pvNotes{}, fmt.Errorf("%w: it is a 32-bit kernel, and only the toolstack can make a domain 32-bit", ErrNotPV)
	}
	n := pvNotes{entry: e.header.Entry}
	var hasOffset bool
	numbers := []struct {
		t     xennote.Type
		name  string
		value *uint64
		has   *bool
	}{
		{xennote.Entry, "ENTRY", &n.entry, nil},
		{xennote.VirtBase, "VIRT_BASE", &n.virtBase, nil},
		{xennote.PaddrOffset, "PADDR_OFFSET", &n.paddrOffset, &hasOffset},
		{xennote.InitP2M, "INIT_P2M", &n.initP2M, &n.hasInitP2M},
		{xennote.HypercallPage, "HYPERCALL_PAGE", &n.hypercall, &n.hasHypercall},
	}
	found, hasBase := false, false
	for _, r := range e.notes {
		found = found || r.Owner == xennote.Owner
	}
	if !found {
		return e.guestSection()
	}
	if _, ok := e.note(xennote.Phys32Entry); ok {
		if _, pv := e.note(xennote.Entry); !pv {
			return n, fmt.Errorf("%w: no ENTRY note, only PHYS32_ENTRY, for PVH domains", ErrNotPV)
		}
	}
	for _, f := range numbers {
		r, ok := e.note(f.t)
		if !ok {
			continue
		}
		if *f.value, ok = r.Number(binary.LittleEndian); !ok {
			return n, fmt.Errorf("%s note of %d bytes", f.name, len(r.Desc))
		}
		if f.has != nil {
			*f.has = true
		}
		hasBase = hasBase || f.t == xennote.VirtBase
	}
	if hasOffset && !hasBase {
		return n, errors.New("a PADDR_OFFSET note, but no VIRT_BASE note")
	}
	if r, ok := e.note(xennote.ModStartPFN); ok {
		v, _ := r.Number(binary.LittleEndian)
		n.unmappedInitrd = v != 0
	}
	n.symbols = e.wantsSymbols()
	n.guest = pvGuest{e.text(xennote.GuestOS), e.text(xennote.Loader), e.text(xennote.XenVersion)}
	return n, n.check(e.text(xennote.Features))
}

// text is a note's text, up to its NUL.
func (e *elfFile) text(t xennote.Type) string {
	r, _ := e.note(t)
	text, _, _ := bytes.Cut(r.Desc, []byte{0})
	return string(text)
}

// check refuses what Xen's domain builder does.
func (n *pvNotes) check(features string) error {
	if g := n.guest; !strings.HasPrefix(g.loader, "generic") && !strings.HasPrefix(g.os, "linux") {
		return fmt.Errorf("%w: its LOADER is %q and its GUEST_OS %q, want generic or linux", ErrNotPV, g.loader, g.os)
	} else if !strings.HasPrefix(g.xen, "xen-3.0") {
		return fmt.Errorf("%w: its XEN_VERSION is %q, want xen-3.0", ErrNotPV, g.xen)
	}
	return checkFeatures(features)
}

// pvFeatures are Xen's features by the names that a FEATURES note has for
// them (public/features.h); true for those that a PV guest can count on.
var pvFeatures = map[string]bool{
	"writable_page_tables":       true,
	"writable_descriptor_tables": true,
	"auto_translated_physmap":    false,
	"supervisor_mode_kernel":     false,
	"pae_pgdir_above_4gb":        true,
	"mmu_pt_update_preserve_ad":  true,
	"highmem_assist":             true,
	"gnttab_map_avail_bits":      true,
	"hvm_callback_vector":        false,
	"hvm_safe_pvclock":           false,
	"hvm_pirqs":                  false,
	"dom0":                       false,
}

// checkFeatures wants every feature with a "!", without which the kernel does
// not work. They are separated by "|".
func checkFeatures(list string) error {
	for _, f := range strings.FieldsFunc(list, func(r rune) bool { return r == '|' || r == ' ' }) {
		if name, required := strings.CutPrefix(f, "!"); required && !pvFeatures[name] {
			return fmt.Errorf("%w: it requires the feature %q", ErrNotPV, name)
		}
	}
	return nil
}

// maxGuestSection bounds the section __xen_guest, in bytes.
const maxGuestSection = 4096

// guestSection reads the section __xen_guest, a list of NAME=value that was
// used before there were notes. Here HYPERCALL_PAGE is a page's number, from
// VIRT_BASE on, and physical addresses begin at VIRT_BASE by default.
func (e *elfFile) guestSection() (pvNotes, error) {
	n := pvNotes{entry: e.header.Entry}
	text, err := e.sectionNamed("__xen_guest")
	if err != nil {
		return n, err
	}
	text, _, _ = bytes.Cut(text, []byte{0})
	if len(text) == 0 {
		return n, fmt.Errorf("%w: no notes of Xen's", ErrNotPV)
	}
	features, hasOffset := "", false
	for _, field := range strings.Split(string(text), ",") {
		name, value, _ := strings.Cut(field, "=")
		number, err := strconv.ParseUint(value, 0, 64)
		switch name {
		case "VIRT_BASE":
			n.virtBase = number
		case "VIRT_ENTRY":
			n.entry = number
		case "ELF_PADDR_OFFSET":
			n.paddrOffset, hasOffset = number, true
		case "HYPERCALL_PAGE":
			n.hypercall, n.hasHypercall = number, true
		case "GUEST_OS":
			n.guest.os, err = value, nil
		case "LOADER":
			n.guest.loader, err = value, nil
		case "XEN_VER":
			n.guest.xen, err = value, nil
		case "FEATURES":
			features, err = value, nil
		case "BSD_SYMTAB":
			n.symbols, err = true, nil
		default:
			err = nil
		}
		if err != nil {
			return n, fmt.Errorf("__xen_guest: %s: %q is no number", name, value)
		}
	}
	if !hasOffset {
		n.paddrOffset = n.virtBase
	}
	n.hypercall = n.hypercall*pageSize + n.virtBase
	return n, n.check(features)
}

// sectionNamed is the contents of a section, nil if there is none of the name.
func (e *elfFile) sectionNamed(name string) ([]byte, error) {
	i, s, err := e.findSection(name)
	if i == 0 || err != nil {
		return nil, err
	}
	if s.Size > maxGuestSection {
		return nil, fmt.Errorf("section %d: %s of %d bytes, more than %d", i, name, s.Size, maxGuestSection)
	}
	text := make([]byte, s.Size)
	return text, readAt(e.src, text, s.Offset, name)
}
