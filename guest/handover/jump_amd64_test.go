package handover

import (
	"testing"

	"pvboot/loader/image"
)

func TestTarget(t *testing.T) {
	g, _ := ground()
	plan := &image.Plan{
		Segments: []image.Segment{{Name: "initrd", Addr: 6 << 30, Size: 0, Reserve: mib}},
		Entry:    image.Entry{PC: 0x1000200, Regs: map[string]uint64{"rsi": 0x9f000}},
	}
	loaded, err := Load(plan, g)
	if err != nil {
		t.Fatal(err)
	}
	target, _, err := loaded.target()
	if err != nil {
		t.Fatal(err)
	}
	if target.Regs[6] != 0x9f000 || target.PC != 0x1000200 || len(target.Map) != 1 || target.Map[0].Start != 6<<30 {
		t.Errorf("target %+v", target)
	}
	plan.Entry.Regs = map[string]uint64{"x0": 1}
	if err := loaded.Jump(); err == nil || err.Error() != `handover: amd64: no register "x0"` {
		t.Errorf("error %v", err)
	}
}
