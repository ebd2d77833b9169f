//go:build arm64 || riscv64 || ppc64 || ppc64le

package handover

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/arch/departure"
	"pvboot/loader/image"
)

// TestTarget holds what becomes of example's entry against what the processor's
// file wants.
func TestTarget(t *testing.T) {
	g, _ := ground()
	plan := &image.Plan{
		Segments: []image.Segment{
			{Name: "kernel", Addr: mib, Size: 8192, Reserve: mib - 8192, Data: bytes.NewReader(pattern(4096))},
			{Name: "initrd", Addr: 6 << 30, Size: 0, Reserve: mib},
		},
		Entry: example.entry,
	}
	loaded, err := Load(plan, g)
	if err != nil {
		t.Fatal(err)
	}
	target, moves, err := loaded.target()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(example.target, target); diff != "" {
		t.Errorf("target (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]departure.Move{{Dst: mib, Src: 8*mib - 4096, Size: 4096}, {Dst: mib + 4096, Size: 4096}}, moves); diff != "" {
		t.Errorf("moves (-want +got):\n%s", diff)
	}
	for _, tt := range []struct {
		entry image.Entry
		want  string
	}{
		{image.Entry{Mode: example.entry.Mode, Regs: map[string]uint64{"rsi": 1}}, "handover: " + example.name + `: no register "rsi"`},
		{image.Entry{Mode: image.Long64}, "handover: entry mode 0 is not " + example.name + "'s"},
	} {
		plan.Entry = tt.entry
		if err := loaded.Jump(); err == nil || err.Error() != tt.want {
			t.Errorf("error %v, want %q", err, tt.want)
		}
	}
}
