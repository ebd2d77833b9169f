package hypervisor

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/internal/fdt"
	"pvboot/xen"
)

func TestTree(t *testing.T) {
	g := &Guest{RAM: make([]byte, 1<<20), Base: ramBase, Grants: region, GrantSize: 16 << 20}
	start, end, err := g.PutInitrd([]byte("initrd"))
	if err != nil || start%xen.PageSize != 0 || end != start+6 || string(g.RAM[start-ramBase:end-ramBase]) != "initrd" {
		t.Fatalf("initrd: %#x, %#x, %v", start, end, err)
	}
	b, err := (&Tree{Guest: g, Initrd: start, InitrdEnd: end, CmdLine: "quiet", CPU: CPU{
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
	chosen, _ := tree.Find("/chosen")
	for name, want := range map[string]uint64{"linux,initrd-start": start, "linux,initrd-end": end} {
		if v, ok := chosen.Uint(name); !ok || v != want {
			t.Errorf("%s: %#x, want %#x", name, v, want)
		}
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
	if _, _, err := g.PutInitrd(nil); err == nil {
		t.Error("an initrd in no room")
	}
	if _, _, err := (&Guest{RAM: make([]byte, 1<<20)}).PutInitrd(make([]byte, 1<<20-maxTree+1)); err == nil {
		t.Error("an initrd that is too long")
	}
	if _, err := g.PutTree(make([]byte, 8)); err == nil {
		t.Error("no room")
	}
	if _, err := (&Guest{RAM: make([]byte, 1<<20)}).PutTree(make([]byte, maxTree+1)); err == nil {
		t.Error("too long")
	}
}
