package handover

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/arch/departure"
	"pvboot/arch/riscv64"
	"pvboot/loader/image"
)

func TestTarget(t *testing.T) {
	g, _ := ground()
	plan := &image.Plan{
		Segments: []image.Segment{
			{Name: "kernel", Addr: mib, Size: 8192, Reserve: mib - 8192, Data: bytes.NewReader(pattern(4096))},
			{Name: "initrd", Addr: 6 << 30, Size: 0, Reserve: mib},
		},
		Entry: image.Entry{Mode: image.SMode, PC: 0x80200000, Regs: map[string]uint64{"a0": 2, "a1": 0x87e00000}},
	}
	loaded, err := Load(plan, g)
	if err != nil {
		t.Fatal(err)
	}
	target, moves, err := loaded.target()
	if err != nil {
		t.Fatal(err)
	}
	want := &riscv64.Target{PC: 0x80200000, Regs: [32]uint64{10: 2, 11: 0x87e00000}}
	if diff := cmp.Diff(want, target); diff != "" {
		t.Errorf("target (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]departure.Move{{Dst: mib, Src: 8*mib - 4096, Size: 4096}, {Dst: mib + 4096, Size: 4096}}, moves); diff != "" {
		t.Errorf("moves (-want +got):\n%s", diff)
	}
	for _, tt := range []struct {
		entry image.Entry
		want  string
	}{
		{image.Entry{Mode: image.SMode, Regs: map[string]uint64{"rsi": 1}}, `handover: riscv64: no register "rsi"`},
		{image.Entry{Mode: image.Long64}, "handover: entry mode 0 is not riscv64's"},
	} {
		plan.Entry = tt.entry
		if err := loaded.Jump(); err == nil || err.Error() != tt.want {
			t.Errorf("error %v, want %q", err, tt.want)
		}
	}
}
