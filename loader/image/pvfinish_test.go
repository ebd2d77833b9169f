package image

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"pvboot/internal/xennote"
)

// finish writes a plan's pages into a domain of its own; the p2m list is
// looked at page by page and not kept.
func finish(t *testing.T, plan *Plan) *pvDomain {
	t.Helper()
	pv := plan.PV
	d := newPVDomain(pv.start.machine.Pages)
	next, bad := pv.P2M.Start, 0
	d.scratch = pv.P2M
	d.look = func(addr uint64, page []byte) {
		if addr != next {
			t.Errorf("p2m page %#x is written, want %#x", addr, next)
		}
		next = addr + pageSize
		for i := range uint64(pageSize / 8) {
			pfn, want := (addr-pv.P2M.Start)/8+i, uint64(0)
			if pfn < d.pages {
				want = d.frame(pfn)
			}
			if got := binary.LittleEndian.Uint64(page[8*i:]); got != want && bad < 5 {
				t.Errorf("p2m[%#x] is %#x, want %#x", pfn, got, want)
				bad++
			}
		}
	}
	if err := pv.Finish(d.frame, d.page); err != nil {
		t.Fatal(err)
	}
	d.flush()
	if next != pv.P2M.End() {
		t.Errorf("the p2m list ends at %#x, want %#x", next, pv.P2M.End())
	}
	return d
}

// Domains of 64 MiB to 64 GiB: tables, list and start info are right, and
// everything has its page.
func TestPVDomains(t *testing.T) {
	kernels := map[string]testELF{
		"linux":     pvELF(nil),
		"linux 2.6": pvELF(without(xennote.InitP2M, xennote.ModStartPFN)),
		"mini":      miniELF(nil),
		"lower half": miniELF(func(e *testELF) {
			setNote(xennote.VirtBase, 1<<46)(e)
			setNote(xennote.HypercallPage, 1<<46)(e)
			e.entry = 1 << 46
		}),
		// The list's tables share an L4 entry with the kernel's.
		"p2m close by": pvELF(setNote(xennote.InitP2M, linuxBase-1<<30)),
		// The mapping ends at an L1's last entry, and begins in the middle of one.
		"odd base": pvELF(func(e *testELF) {
			setNote(xennote.VirtBase, 0xffffffff80123000)(e)
			setNote(xennote.Entry, 0xffffffff80123000+16*mib)(e)
		}),
	}
	for name, e := range kernels {
		file := e.bytes(t)
		for _, size := range []uint64{64, 100, 1 << 10, 4 << 10, 64 << 10} {
			if size > 4<<10 && name != "linux" && name != "mini" {
				continue
			}
			t.Run(fmt.Sprintf("%s, %d MiB", name, size), func(t *testing.T) {
				plan := mustPVBuild(t, file, Request{CmdLine: "quiet", Initrd: []File{initrd("i", 5*mib)}, Machine: pvMachine(size)})
				d := finish(t, plan)
				if err := d.walk(plan.PV); err != nil {
					t.Error(err)
				}
				checkSegments(t, plan)
			})
		}
	}
}

// checkSegments wants whole pages, and every page that the plan speaks of in a
// segment.
func checkSegments(t *testing.T, plan *Plan) {
	t.Helper()
	pv := plan.PV
	left := &space{free: []Range{pv.Mapped, pv.P2M, pv.Tables, pv.P2MTables, {Start: pv.Spare, Size: pageSize}}}
	for _, s := range plan.Segments {
		if s.Addr%pageSize != 0 || s.Size%pageSize != 0 || s.Reserve != 0 {
			t.Errorf("segment %s: %#x+%#x, reserve %#x", s.Name, s.Addr, s.Size, s.Reserve)
		}
		left.take(s.Range())
	}
	for _, r := range left.free {
		if r.Size > 0 {
			t.Errorf("no segment has %#x-%#x", r.Start, r.End())
		}
	}
	if pv.Spare < pv.Tables.End() || pv.Spare+pageSize > pv.Mapped.End() {
		t.Errorf("spare page %#x is not behind the tables and mapped", pv.Spare)
	}
}

// What the walker is there for is found: each of these breaks a domain that
// was right.
func TestPVWalkerSeesBreakage(t *testing.T) {
	le := binary.LittleEndian
	change := func(table func(p *PVPlan) uint64, index int, edit func(v uint64) uint64) func(d *pvDomain, p *PVPlan) {
		return func(d *pvDomain, p *PVPlan) {
			b := d.content[table(p)][8*index:]
			le.PutUint64(b, edit(le.Uint64(b)))
		}
	}
	l4 := func(p *PVPlan) uint64 { return p.Tables.Start }
	firstL1 := func(p *PVPlan) uint64 { return p.Tables.Start + 3*pageSize }
	lastL1 := func(p *PVPlan) uint64 { return p.Tables.End() - pageSize }
	p2mL1 := func(p *PVPlan) uint64 { return p.P2MTables.End() - pageSize }
	self := func(d *pvDomain, p *PVPlan) int { return int(p.Tables.Start/pageSize) % tableEntries }
	tests := []struct {
		name  string
		spoil func(d *pvDomain, p *PVPlan)
		want  string
	}{
		{"nothing", func(*pvDomain, *PVPlan) {}, ""},
		{"writable table", func(d *pvDomain, p *PVPlan) {
			change(lastL1, self(d, p), func(v uint64) uint64 { return v | 2 })(d, p)
		}, "with flags 0x23, want 0x21"},
		{"another page of the list", change(p2mL1, 0, func(v uint64) uint64 { return v ^ 1<<12 }), "leads to page"},
		{"writable table in a second alias", func(d *pvDomain, p *PVPlan) {
			change(p2mL1, 0, func(uint64) uint64 { return d.frame(p.Tables.Start/pageSize)<<12 | 0x23 })(d, p)
		}, "with flags 0x23, want 0x21"},
		{"read-only page", change(firstL1, 7, func(v uint64) uint64 { return v &^ 2 }), "with flags 0x21, want 0x23"},
		{"user page", change(firstL1, 7, func(v uint64) uint64 { return v | 4 }), "with flags 0x27, want 0x23"},
		{"hole", change(firstL1, 7, func(uint64) uint64 { return 0 }), "mapped are"},
		{"another page", change(firstL1, 7, func(v uint64) uint64 { return v + 1<<12 }), "leads to page"},
		{"too much", change(p2mL1, 511, func(uint64) uint64 { return 0x100000<<12 | 0x23 }), "leads to page"},
		{"out of the domain", change(firstL1, 7, func(uint64) uint64 { return 0x23 }), "leads out of the domain"},
		{"page as a table", change(l4, 3, func(uint64) uint64 { return 0x100000<<12 | 0x67 }), "is none of the plan's"},
		{"table twice", func(d *pvDomain, p *PVPlan) {
			b := d.content[p.Tables.Start]
			copy(b[8*2:8*3], b[8:]) // the p2m list's tables at another address, too
		}, "leads to page"},
		{"large page", change(func(p *PVPlan) uint64 { return p.Tables.Start + 2*pageSize }, 0, func(v uint64) uint64 { return v | 0x80 }), "has flags 0xe7"},
		{"L4 into itself", func(d *pvDomain, p *PVPlan) {
			change(l4, 300, func(uint64) uint64 { return d.frame(p.Tables.Start/pageSize)<<12 | 0x67 })(d, p)
		}, "with flags 0x67, want 0x21"},
		{"table not hung in", change(l4, 1, func(uint64) uint64 { return 0 }), "tables, the plan has"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan := mustPVBuild(t, pvELF(nil).bytes(t), Request{Machine: pvMachine(64)})
			d := newPVDomain(plan.PV.start.machine.Pages)
			if err := plan.PV.Finish(d.frame, d.page); err != nil {
				t.Fatal(err)
			}
			tt.spoil(d, plan.PV)
			err := d.walk(plan.PV)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestPVFinishFails(t *testing.T) {
	build := func() (*Plan, *pvDomain) {
		plan := mustPVBuild(t, pvELF(nil).bytes(t), Request{Machine: pvMachine(64)})
		return plan, newPVDomain(plan.PV.start.machine.Pages)
	}
	plan, d := build()
	plan.PV.start.machine.Store.Frame++
	want := "PV: start info: the xenstore ring's page 0x1302000 has frame 0x101357, want 0x101358"
	if err := plan.PV.Finish(d.frame, d.page); err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
	// A page without a frame is fine where nothing is mapped.
	for pfn, want := range map[uint64]string{100: "PV: page tables: page 0x64000 has no machine frame: 0xffffffffffffffff", 0x3fff: ""} {
		plan, d := build()
		hole := func(n uint64) uint64 {
			if n == pfn {
				return ^uint64(0)
			}
			return d.frame(n)
		}
		err := plan.PV.Finish(hole, d.page)
		if (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("no frame behind %#x: error %v, want %q", pfn, err, want)
		}
		entry := d.content[plan.PV.P2M.Start+pfn*8&^(pageSize-1)][pfn*8%pageSize:]
		if got := binary.LittleEndian.Uint64(entry); got != ^uint64(0) {
			t.Errorf("p2m[%#x] is %#x", pfn, got)
		}
	}
	packed := mustPVBuild(t, gzipped(pvELF(nil).bytes(t)), Request{Machine: pvMachine(64)})
	if err := packed.PV.Finish(d.frame, d.page); err == nil || err.Error() != "PV: the kernel was not loaded" {
		t.Errorf("before the kernel was read: error %v", err)
	}
}

// A domain without rings is told of none.
func TestPVWithoutRings(t *testing.T) {
	req := Request{Name: "/vmlinux", Kernel: bytes.NewReader(pvELF(nil).bytes(t)), Machine: pvMachine(64)}
	plan, err := Build(req)
	if err != nil {
		t.Fatal(err)
	}
	if plan.PV.Store != 0 || plan.PV.Console != 0 {
		t.Errorf("rings at %#x and %#x", plan.PV.Store, plan.PV.Console)
	}
	d := finish(t, plan)
	for _, at := range []int{siStoreFrame, siStorePort, siConsoleFrame, siConsolePort} {
		if v := binary.LittleEndian.Uint64(d.content[plan.PV.StartInfo][at:]); v != 0 {
			t.Errorf("start info at %d: %#x", at, v)
		}
	}
}

// Writing a domain of 64 GiB takes no memory.
func TestPVFinishAllocates(t *testing.T) {
	plan := mustPVBuild(t, pvELF(nil).bytes(t), Request{Machine: pvMachine(16 << 10)})
	page, d := make([]byte, pageSize), newPVDomain(1)
	if n := testing.AllocsPerRun(1, func() {
		if err := plan.PV.Finish(d.frame, func(uint64) []byte { return page }); err != nil {
			t.Fatal(err)
		}
	}); n > 20 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkPVFinish64GiB(b *testing.B) {
	plan := mustPVBuild(b, pvELF(nil).bytes(b), Request{Machine: pvMachine(64 << 10)})
	page, d := make([]byte, pageSize), newPVDomain(1)
	for b.Loop() {
		if err := plan.PV.Finish(d.frame, func(uint64) []byte { return page }); err != nil {
			b.Fatal(err)
		}
	}
}
