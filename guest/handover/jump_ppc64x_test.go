//go:build ppc64 || ppc64le

package handover

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/arch/departure"
	"pvboot/arch/ppc64"
	"pvboot/loader/image"
)

func TestTarget(t *testing.T) {
	g, _ := ground()
	plan := &image.Plan{
		Segments: []image.Segment{
			{Name: "kernel", Addr: mib, Size: 8192, Reserve: mib - 8192, Data: bytes.NewReader(pattern(4096))},
			{Name: "initrd", Addr: 6 << 30, Size: 0, Reserve: mib},
		},
		Entry: image.Entry{Mode: image.Real64, PC: mib, Regs: map[string]uint64{"r3": 0x7e00000, "r4": mib}},
	}
	loaded, err := Load(plan, g)
	if err != nil {
		t.Fatal(err)
	}
	target, moves, err := loaded.target()
	if err != nil {
		t.Fatal(err)
	}
	want := &ppc64.Target{
		PC: mib, Regs: [32]uint64{3: 0x7e00000, 4: mib},
		Code: []departure.Range{{Start: mib, End: mib + 8192}, {Start: 6 << 30, End: 6 << 30}},
	}
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
		{image.Entry{Mode: image.Real64, Regs: map[string]uint64{"rsi": 1}}, `handover: ppc64: no register "rsi"`},
		{image.Entry{Mode: image.Long64}, "handover: entry mode 0 is not ppc64's"},
	} {
		plan.Entry = tt.entry
		if err := loaded.Jump(); err == nil || err.Error() != tt.want {
			t.Errorf("error %v, want %q", err, tt.want)
		}
	}
}
