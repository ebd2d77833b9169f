package amd64

import (
	"bytes"
	_ "embed" // for jumpHeader
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/hypercall"
)

func TestPreparePV(t *testing.T) {
	target := &PVTarget{Root: 0x1234, OldRoot: 0x5678, PC: 0xffffffff81000000}
	for name, n := range registers {
		if err := target.Regs.Set(name, uint64(0x100+n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := target.Regs.Set("x0", 1); err == nil || err.Error() != `amd64: no register "x0"` {
		t.Errorf("register x0: error %v", err)
	}
	page := bytes.Repeat([]byte{0xee}, 4096)
	if err := preparePV(page, 0x3000, 0xffffffff82000000, target); err != nil {
		t.Fatal(err)
	}
	words := func(at, n int) []uint64 {
		list := make([]uint64, n)
		for i := range list {
			list[i] = binary.LittleEndian.Uint64(page[at+8*i:])
		}
		return list
	}
	for _, tt := range []struct {
		name string
		at   int
		want []uint64
	}{
		{"mmuext_op", atPVOps, []uint64{5, 0x1234, 0, 4, 0x5678, 0}},
		{"sched_shutdown", atPVCrash, []uint64{3}},
		{"registers", atPVRegs, []uint64{0x100, 0x101, 0x102, 0x103, 0x104, 0x105, 0x106, 0x107,
			0x108, 0x109, 0x10a, 0x10b, 0x10c, 0x10d, 0x10e, 0x10f}},
		{"iret_context", atPVIret, []uint64{0x100, 0x10b, 0x101, 0, 0xffffffff81000000, 0xe030, 0, 0x104, 0xe02b}},
	} {
		if diff := cmp.Diff(tt.want, words(tt.at, len(tt.want))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	if !bytes.HasPrefix(page, departPVCode()) || !bytes.HasPrefix(page[atPVSecond:], departPV2Code()) {
		t.Error("the code is not where it runs")
	}
	for _, tt := range []struct {
		size     int
		addr, va uint64
	}{{4095, 0, 0}, {8192, 0, 0}, {4096, 1, 0}, {4096, 0, 0x800}} {
		if err := preparePV(make([]byte, tt.size), tt.addr, tt.va, target); !errors.Is(err, ErrPVPage) {
			t.Errorf("%+v: error %v, want %v", tt, err, ErrPVPage)
		}
	}
}

// jumpHeader is embedded for tests on bare metal, which see no such files.
//
//go:embed jump_pv_amd64.h
var jumpHeader []byte

// The assembler's names for places and hypercalls are those of the Go code.
func TestPVHeader(t *testing.T) {
	for name, value := range map[string]int{
		"PV_SECOND": atPVSecond, "PV_OPS": atPVOps, "PV_CRASH": atPVCrash, "PV_REGS": atPVRegs, "PV_IRET": atPVIret,
		"OP_SET_TRAP_TABLE": int(hypercall.OpSetTrapTable), "OP_STACK_SWITCH": int(hypercall.OpStackSwitch),
		"OP_UPDATE_VA_MAPPING": int(hypercall.OpUpdateVAMapping), "OP_IRET": int(hypercall.OpIret),
		"OP_SET_SEGMENT_BASE": int(hypercall.OpSetSegmentBase), "OP_MMUEXT": int(hypercall.OpMMUExt),
		"OP_SCHED": int(hypercall.OpSched), "UVMF_INVLPG": hypercall.FlushInvlpg, "SCHEDOP_SHUTDOWN": hypercall.SchedOpShutdown,
	} {
		if line := fmt.Sprintf("#define %s %d\n", name, value); !bytes.Contains(jumpHeader, []byte(line)) {
			t.Errorf("jump_pv_amd64.h lacks %q", line)
		}
	}
	for name, value := range map[string]int{"DOMID_SELF": int(hypercall.DomSelf), "FLAT_SS64": hypercall.FlatSS64} {
		if line := fmt.Sprintf("#define %s %#x\n", name, value); !bytes.Contains(jumpHeader, []byte(line)) {
			t.Errorf("jump_pv_amd64.h lacks %q", line)
		}
	}
}
