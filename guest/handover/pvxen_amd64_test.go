package handover

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"pvboot/arch/amd64"
	"pvboot/hypercall"
	"pvboot/loader/image"
)

// pvXen is a PV domain in memory and the Xen below it, which refuses what the
// real one does: a page table that is mapped writable anywhere.
type pvXen struct {
	t    *testing.T
	ram  []byte // by the loader's page number
	p2m  []uint64
	pfn  map[uint64]uint64 // the loader's page number of a machine frame, which tells its bytes
	m2p  map[uint64]uint64 // Xen's list
	born map[uint64]bool   // frames of the loader's own page tables

	readOnly map[uint64]bool // frames that the loader's tables map read-only
	pinned   uint64
	reached  uint64
	fail     string // the step that fails
	departed func(page []byte, addr, mfn, va uint64, t *amd64.PVTarget)
}

var errStep = errors.New("injected")

// newPVXen is a domain of n pages, whose frames are in no order, with a loader
// whose tables are at [tables, tables+16 pages). Page hole has no frame.
func newPVXen(t *testing.T, n int, tables, hole uint64) *pvXen {
	x := &pvXen{
		t: t, ram: make([]byte, n*pageSize), p2m: make([]uint64, n),
		pfn: map[uint64]uint64{}, m2p: map[uint64]uint64{}, born: map[uint64]bool{}, readOnly: map[uint64]bool{},
	}
	for i, p := range rand.New(rand.NewPCG(1, 1)).Perm(n) {
		mfn := uint64(0x8000 + 3*p)
		if uint64(i) == hole {
			x.p2m[i] = noFrame
			continue
		}
		x.p2m[i], x.pfn[mfn], x.m2p[mfn] = mfn, uint64(i), uint64(i)
		binary.LittleEndian.PutUint64(x.ram[i*pageSize:], ^mfn) // every page differs
	}
	for i := tables / pageSize; i < tables/pageSize+16; i++ {
		x.born[x.p2m[i]], x.readOnly[x.p2m[i]] = true, true
	}
	return x
}

// frame is the bytes of a machine frame of the domain; nil for any other.
func (x *pvXen) frame(mfn uint64) []byte {
	pfn, ok := x.pfn[mfn]
	if !ok {
		return nil
	}
	return x.ram[pfn*pageSize : (pfn+1)*pageSize]
}

func (x *pvXen) root() (uint64, error) {
	if x.fail == "root" {
		return 0, errStep
	}
	return x.p2m[0x200000/pageSize], nil
}

func (x *pvXen) protect(addr, mfn uint64) error {
	if x.fail == "protect" {
		return errStep
	}
	if x.p2m[addr/pageSize] != mfn {
		x.t.Errorf("protect: page %#x has frame %#x, not %#x", addr, x.p2m[addr/pageSize], mfn)
	}
	x.readOnly[mfn] = true
	return nil
}

func (x *pvXen) reach(va, mfn uint64) error {
	if x.fail == "reach" {
		return errStep
	}
	x.reached = va
	return nil
}

func (x *pvXen) depart(page []byte, addr, mfn, va uint64, t *amd64.PVTarget) error {
	if &x.frame(mfn)[0] != &page[0] || x.p2m[addr/pageSize] != mfn {
		x.t.Errorf("last code: frame %#x is not what the loader has at %#x", mfn, addr)
	}
	if va != x.reached {
		x.t.Errorf("last code: runs at %#x, page table made for %#x", va, x.reached)
	}
	if t.Root != x.pinned || t.OldRoot != x.p2m[0x200000/pageSize] {
		x.t.Errorf("last code: from page table %#x to %#x, pinned is %#x", t.OldRoot, t.Root, x.pinned)
	}
	x.departed(page, addr, mfn, va, t)
	return errStep
}

// Call does the hypercalls of a jump.
func (x *pvXen) Call(op hypercall.Op, args ...hypercall.Arg) int64 {
	const einval = -22
	switch op {
	case hypercall.OpMMUUpdate:
		updates := arrayOf[hypercall.MMUUpdate](args)
		if len(updates) > maxUpdates {
			x.t.Errorf("%d updates in one call", len(updates))
		}
		for _, u := range updates {
			mfn := u.Ptr >> 12
			if u.Ptr&0xfff != hypercall.MMUMachphysUpdate || x.pfn[mfn] == 0 && x.p2m[0] != mfn {
				return einval
			}
			if x.fail == "m2p" && mfn%7 == 0 {
				x.fail = "m2p, once"
				return einval
			}
			x.m2p[mfn] = u.Val
		}
		return 0
	case hypercall.OpMMUExt:
		for _, o := range arrayOf[hypercall.MMUExtOp](args) {
			switch {
			case o.Cmd == hypercall.MMUExtPinL4Table && x.pinned == 0:
				if err := x.pin(o.Arg1); err != nil || x.fail == "pin" {
					if x.fail == "" {
						x.t.Errorf("pin: %v", err)
					}
					return einval
				}
				x.pinned = o.Arg1
			case o.Cmd == hypercall.MMUExtUnpinTable && o.Arg1 == x.pinned:
				x.pinned = 0
			default:
				return einval
			}
		}
		return 0
	}
	return -38
}

// pin checks the page tables below root as Xen does before it takes them.
func (x *pvXen) pin(root uint64) error {
	tables := map[uint64]int{}
	var writable []uint64
	var walk func(mfn uint64, level int) error
	walk = func(mfn uint64, level int) error {
		if was, ok := tables[mfn]; ok && was != level {
			return fmt.Errorf("frame %#x is a table of level %d and of %d", mfn, was, level)
		}
		tables[mfn] = level
		b := x.frame(mfn)
		if b == nil {
			return fmt.Errorf("table %#x is not the domain's", mfn)
		}
		for i := 0; i < pageSize; i += 8 {
			entry := binary.LittleEndian.Uint64(b[i:])
			next := entry >> 12 & (1<<40 - 1)
			switch {
			case entry&1 == 0:
			case level > 1:
				if err := walk(next, level-1); err != nil {
					return err
				}
			case x.frame(next) == nil:
				return fmt.Errorf("frame %#x is not the domain's", next)
			case entry&2 != 0:
				writable = append(writable, next)
			}
		}
		return nil
	}
	if err := walk(root, 4); err != nil {
		return err
	}
	for mfn := range tables {
		if !x.readOnly[mfn] {
			return fmt.Errorf("table %#x is mapped writable by the loader", mfn)
		}
		if x.born[mfn] {
			return fmt.Errorf("table %#x is the loader's own", mfn)
		}
	}
	for _, mfn := range writable {
		if _, ok := tables[mfn]; ok || x.born[mfn] {
			return fmt.Errorf("table %#x is mapped writable by the target", mfn)
		}
	}
	return nil
}

// lookup walks page tables: the frame behind virtual address va, 0 for none.
func (x *pvXen) lookup(root, va uint64) uint64 {
	for level := 4; level > 0; level-- {
		entry := binary.LittleEndian.Uint64(x.frame(root)[va>>(12+9*(level-1))&511*8:])
		if entry&1 == 0 {
			return 0
		}
		root = entry >> 12 & (1<<40 - 1)
	}
	return root
}

// read copies size bytes at virtual address va.
func (x *pvXen) read(root, va, size uint64) []byte {
	var b []byte
	for end := va + size; va < end; {
		mfn := x.lookup(root, va)
		if mfn == 0 {
			x.t.Fatalf("virtual address %#x is not mapped", va)
		}
		n := min(pageSize-va%pageSize, end-va)
		b = append(b, x.frame(mfn)[va%pageSize:][:n]...)
		va += n
	}
	return b
}

// ground has the domain's loader from 2 MiB on, of size bytes.
func (x *pvXen) ground(size, hole, store, console uint64) Ground {
	const at = 0x200000
	free := []image.Range{
		{Start: pageSize, Size: at - pageSize, Type: image.RAM},
		{Start: at + size, Size: hole*pageSize - at - size, Type: image.RAM},
		{Start: (hole + 1) * pageSize, Size: uint64(len(x.ram)) - (hole+1)*pageSize, Type: image.RAM},
	}
	return Ground{
		Own: []image.Range{{Start: at, Size: size, Type: image.RAM}}, Free: free,
		P2M: x.p2m, Store: x.p2m[store], Console: x.p2m[console],
		View: func(addr, size uint64) []byte {
			// The loader looks its page tables up in both lists.
			if pfn := addr / pageSize; pfn == 0 || x.m2p[x.p2m[pfn]] != pfn || x.pinned != 0 {
				return nil
			}
			return x.ram[addr : addr+size : addr+size]
		},
	}
}
