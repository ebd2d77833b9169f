package hypervisor

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/internal/fdt"
	"pvboot/xen"
)

func TestTree(t *testing.T) {
	g := &Guest{RAM: make([]byte, 1<<20), Base: ramBase, Grants: region, GrantSize: 16 << 20}
	b, err := (&Tree{Guest: g, CmdLine: "quiet", CPU: CPU{
		Props: Props{{"compatible", "riscv"}},
		CPUs:  Props{{"timebase-frequency", uint32(10e6)}},
		Nodes: map[string]Props{"/cpus/cpu@0/interrupt-controller": {{"interrupt-controller", nil}}},
	}}).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	addr, err := g.PutTree(b)
	if err != nil || addr != ramBase+1<<20-maxTree || addr%8 != 0 {
		t.Fatalf("%#x, %v", addr, err)
	}
	tree, err := fdt.Parse(g.RAM[addr-ramBase:])
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for path, names := range map[string][]string{
		"/chosen":                          {"bootargs"},
		"/hypervisor":                      {"compatible"},
		"/cpus/cpu@0":                      {"device_type", "compatible", "status"},
		"/memory@80000000":                 {"device_type"},
		"/cpus/cpu@0/interrupt-controller": nil,
	} {
		n, ok := tree.Find(path)
		if !ok {
			t.Errorf("no %s", path)
		}
		for _, name := range names {
			text, _ := n.Text(name)
			got[path+":"+name] = string(text)
		}
	}
	want := map[string]string{
		"/chosen:bootargs": "quiet", "/hypervisor:compatible": "xen,xen-4.20",
		"/cpus/cpu@0:device_type": "cpu", "/cpus/cpu@0:compatible": "riscv", "/cpus/cpu@0:status": "okay",
		"/memory@80000000:device_type": "memory",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	h, _ := tree.Find("/hypervisor")
	if !h.Compatible("xen,xen") {
		t.Error("not compatible with xen,xen")
	}
	reg, _ := h.Prop("reg")
	if want := []byte{0, 0, 0, 0, 0x38, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}; !cmp.Equal(reg, want) {
		t.Errorf("reg % x", reg)
	}
}

func TestTreeErrors(t *testing.T) {
	g := &Guest{RAM: make([]byte, xen.PageSize), Base: ramBase}
	if _, err := (&Tree{Guest: g, CPU: CPU{Props: Props{{"x", 1.5}}}}).Bytes(); err == nil {
		t.Error("a property of a strange type")
	}
	if _, err := g.PutTree(make([]byte, 8)); err == nil {
		t.Error("no room")
	}
	if _, err := (&Guest{RAM: make([]byte, 1<<20)}).PutTree(make([]byte, maxTree+1)); err == nil {
		t.Error("too long")
	}
}
