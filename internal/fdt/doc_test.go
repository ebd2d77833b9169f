package fdt

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// dtc runs a tool of Debian's device-tree-compiler.
func dtc(t *testing.T, tool string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		t.Fatalf("%v: install device-tree-compiler (scripts/install-host-packages)", err)
	}
	cmd := exec.Command(path, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v: %s", cmd, err, errs.Bytes())
	}
	return out.String()
}

func writeFile(t *testing.T, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func unpack(t testing.TB, b []byte) *Doc {
	t.Helper()
	d, err := Unpack(b)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestUnchanged asks dtc whether a tree that was packed again is the same.
func TestUnchanged(t *testing.T) {
	for _, name := range trees {
		t.Run(name, func(t *testing.T) {
			b := load(t, name)
			packed := unpack(t, b).Pack()
			if name == "xenvm.dtb" && !bytes.Equal(packed, b) {
				t.Error("not the same bytes as dtc's")
			}
			if diff := cmp.Diff(dump(open(t, b)), dump(open(t, packed))); diff != "" {
				t.Error(diff)
			}
			args := []string{"-q", "-I", "dtb", "-O", "dts"}
			want := dtc(t, "dtc", append(args, "testdata/"+name)...)
			got := dtc(t, "dtc", append(args, writeFile(t, name, packed))...)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestSet compares edits with those of libfdt's fdtput, whose order is
// another one, and which takes no version 16.
func TestSet(t *testing.T) {
	for _, name := range []string{"xenvm.dtb", "virt.dtb"} {
		t.Run(name, func(t *testing.T) {
			b := load(t, name)
			theirs := writeFile(t, "theirs.dtb", b)
			d := unpack(t, b)
			set := func(err error) {
				t.Helper()
				if err != nil {
					t.Error(err)
				}
			}
			set(d.SetString("/chosen", "bootargs", "root=/dev/vda quiet"))
			dtc(t, "fdtput", "-ts", theirs, "/chosen", "bootargs", "root=/dev/vda quiet")
			set(d.SetUint64("/chosen", "linux,initrd-start", 0x48000000))
			dtc(t, "fdtput", "-tx", theirs, "/chosen", "linux,initrd-start", "0", "48000000")
			set(d.Set("/chosen", "odd", []byte("abc\x01\x02")))
			dtc(t, "fdtput", "-tbx", theirs, "/chosen", "odd", "61", "62", "63", "1", "2")
			set(d.Set("/chosen", "empty", nil))
			dtc(t, "fdtput", theirs, "/chosen", "empty")
			set(d.SetString("/timer", "compatible", "x"))
			dtc(t, "fdtput", "-ts", theirs, "/timer", "compatible", "x")
			set(d.Create("/a/b@1"))
			dtc(t, "fdtput", "-p", "-c", theirs, "/a/b@1")
			set(d.SetString("/a/b@1", "c", "d"))
			dtc(t, "fdtput", "-ts", theirs, "/a/b@1", "c", "d")
			if d.Delete("/psci", "method") {
				dtc(t, "fdtput", "-d", theirs, "/psci", "method")
			} else {
				t.Error("nothing to delete")
			}
			args := []string{"-q", "-s", "-I", "dtb", "-O", "dts"}
			want := dtc(t, "dtc", append(args, theirs)...)
			got := dtc(t, "dtc", append(args, writeFile(t, "ours.dtb", d.Pack()))...)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-fdtput +Set:\n%s", diff)
			}
		})
	}
}

// TestOrder looks at where changes go, and that nothing else moves.
func TestOrder(t *testing.T) {
	d := unpack(t, load(t, "xenvm.dtb"))
	before := dump(open(t, d.Pack()))
	for _, err := range []error{
		d.SetString("/chosen", "linux,initrd-start", "x"),
		d.SetString("/chosen", "new", ""),
		d.SetString("/reserved-memory/x@1", "reg", "r"),
		d.SetString("/", "serial", "s"),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	if !d.Delete("/hypervisor", "reg") || d.Delete("/hypervisor", "reg") || d.Delete("/none", "reg") {
		t.Error("Delete tells it wrong")
	}
	stdout := fmt.Sprintf("\t\tstdout-path = %x00\n", "serial0:115200n8")
	hypervisor := strings.Index(before, "\thypervisor")
	reg := before[hypervisor+strings.Index(before[hypervisor:], "\t\treg"):]
	reg = reg[:strings.Index(reg, "\n")+1]
	want := strings.NewReplacer(
		"start = 0000000048000000\n", "start = 7800\n",
		stdout, stdout+"\t\tnew = 00\n",
		"\taliases", "\tserial = 7300\n\taliases",
		reg, "",
	).Replace(before)
	want += "\treserved-memory {}\n\t\tx@1 {}\n\t\t\treg = 7200\n"
	if diff := cmp.Diff(want, dump(open(t, d.Pack()))); diff != "" {
		t.Error(diff)
	}
}

func TestDuplicates(t *testing.T) {
	b := new(raw).begin("").prop("a", "1").prop("b", "2").prop("a", "3").cells(tokenNOP).prop("a", "4").prop("c", "5").
		end().cells(tokenStop).bytes()
	d := unpack(t, b)
	if err := d.Set("/", "a", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if got := dump(open(t, d.Pack())); got != "boot cpu 0\n {}\n\ta = 78\n\tb = 32\n\tc = 35\n" {
		t.Errorf("Set: %s", got)
	}
	d = unpack(t, b)
	d.Delete("/", "a")
	if got := dump(open(t, d.Pack())); got != "boot cpu 0\n {}\n\tb = 32\n\tc = 35\n" {
		t.Errorf("Delete: %s", got)
	}
}

func TestDocErrors(t *testing.T) {
	d := unpack(t, small().bytes())
	before := d.Pack()
	for _, c := range []struct {
		got  error
		want string
	}{
		{d.Set("chosen", "a", nil), `device tree: "chosen" is not an absolute path`},
		{d.Set("/chosen", "", nil), `device tree: /chosen: bad property name ""`},
		{d.Set("/chosen", "a\x00", nil), `device tree: /chosen: bad property name "a\x00"`},
		{d.Set("/chosen", strings.Repeat("x", MaxNameLen+1), nil), `device tree: /chosen: bad property name "` + strings.Repeat("x", MaxNameLen+1) + `"`},
		{d.SetString("/chosen", "a", "b\x00c"), `device tree: /chosen: property a: NUL in the string`},
		{d.Set("/chosen", "a", make([]byte, MaxSize)), `device tree: /chosen: property a: of 110 bytes, 2097169 more would make it larger than 2 MiB`},
		{d.Create("/x\x00"), `device tree: "/x\x00": too deep, or not a name`},
		{d.Create("/" + strings.Repeat("x", MaxNameLen+1)), `device tree: "/` + strings.Repeat("x", MaxNameLen+1) + `": too deep, or not a name`},
	} {
		if c.got == nil || c.got.Error() != c.want {
			t.Errorf("got  %v\nwant %s", c.got, c.want)
		}
	}
	if !bytes.Equal(before, d.Pack()) {
		t.Error("an error changed the tree")
	}
	path := strings.Repeat("/x", MaxDepth-1)
	if err := d.Create(path); err != nil {
		t.Error(err)
	}
	open(t, d.Pack())
	if err := d.Create(path + "/x"); err == nil {
		t.Error("a node too deep")
	}
	if _, err := Unpack(before[:100]); err == nil {
		t.Error("half a tree")
	}
}

func TestReserve(t *testing.T) {
	d := unpack(t, small().bytes())
	before := len(d.t.reserved)
	for _, c := range []struct {
		addr, size uint64
		want       string
	}{
		{0x7f000000, 0x10000, ""},
		{0x7f000000, 0x10000, ""}, // is there
		{0x7f000800, 0x800, ""},   // as a part
		{0x7f008000, 0x10000, ""}, // reaches further
		{1 << 63, 1 << 62, ""},
		{0x1000, 0, "device tree: reserve 0 bytes at 0x1000: bad range"},
		{1 << 63, 1 << 63, "device tree: reserve 9223372036854775808 bytes at 0x8000000000000000: bad range"},
	} {
		if err := d.Reserve(c.addr, c.size); c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
			t.Errorf("%#x, %#x: %v", c.addr, c.size, err)
		}
	}
	tree := open(t, d.Pack())
	var got [][2]uint64
	for i := before / reserveSize; ; i++ {
		addr, size, ok := tree.Reserved(i)
		if !ok {
			break
		}
		got = append(got, [2]uint64{addr, size})
	}
	if diff := cmp.Diff([][2]uint64{{0x7f000000, 0x10000}, {0x7f008000, 0x10000}, {1 << 63, 1 << 62}}, got); diff != "" {
		t.Errorf("reserved (-want +got):\n%s", diff)
	}
	if err := d.Set("/chosen", "large", make([]byte, MaxSize-1000)); err != nil {
		t.Fatal(err)
	}
	for i := uint64(0); d.Reserve(i<<32, 1<<32) == nil; i++ {
	}
	if n := len(d.Pack()); n > MaxSize || n < MaxSize-reserveSize {
		t.Errorf("full at %d bytes", n)
	}
}

// TestFull fills a tree to the last byte it may have.
func TestFull(t *testing.T) {
	d := unpack(t, small().bytes())
	for size := MaxSize; size > 0; size /= 2 {
		for i := 0; d.Set("/chosen", fmt.Sprintf("p%d.%d", size, i), make([]byte, size)) == nil; i++ {
		}
	}
	b := d.Pack()
	if len(b) > MaxSize || len(b) < MaxSize-64 {
		t.Errorf("%d bytes", len(b))
	}
	open(t, unpack(t, b).Pack())
	for i := 0; d.Create(fmt.Sprintf("/n%d", i)) == nil; i++ {
	}
	if b := d.Pack(); len(b) > MaxSize {
		t.Errorf("%d bytes", len(b))
	}
}

// TestShared has blocks that share bytes, and do not fit once they are apart.
func TestShared(t *testing.T) {
	r := new(raw).begin("")
	value := len(r.structure) + propHeader
	r.prop("x", "name\x00"+strings.Repeat("\x00", MaxSize*2/3)).end().cells(tokenStop)
	b := r.bytes()
	structure := field(b, hdrStructure)
	put(b, int(structure)+value-4, uint32(value))
	put(b, hdrStrings, structure)
	put(b, hdrStringsSize, field(b, hdrStructSize))
	open(t, b)
	if _, err := Unpack(b); err == nil || !strings.Contains(err.Error(), "larger than 2 MiB") {
		t.Errorf("shared blocks: %v", err)
	}
}

// TestRandomEdits compares edits with the model's.
func TestRandomEdits(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		b := load(t, trees[rnd.IntN(len(trees))])
		paths := []string{"/", "/chosen", "/chosen/x", "/cpus/cpu", "/timer", "/a/b/c", "/memory@40000000", "/new"}
		names := []string{"bootargs", "reg", "compatible", "a", "linux,initrd-start", "cells", "phandle"}
		d, m := unpack(t, b), newModel(open(t, b))
		for range 20 {
			path, name := paths[rnd.IntN(len(paths))], names[rnd.IntN(len(names))]
			switch rnd.IntN(5) {
			case 0:
				if d.Delete(path, name) != m.delete(path, name) {
					t.Errorf("seed %d: Delete(%s, %s) differs", seed, path, name)
				}
			case 1:
				if err := d.Create(path); err != nil {
					t.Error(err)
				}
				m.find(path, true)
			default:
				value := make([]byte, rnd.IntN(20))
				for i := range value {
					value[i] = byte(rnd.Uint32())
				}
				if err := d.Set(path, name, value); err != nil {
					t.Error(err)
				}
				m.set(path, name, string(value))
			}
		}
		if diff := cmp.Diff(m, newModel(open(t, d.Pack())), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("seed %d: -model +doc:\n%s", seed, diff)
		}
	}
}

func TestNew(t *testing.T) {
	d := New()
	if err := d.SetString("/chosen", "bootargs", "quiet"); err != nil {
		t.Fatal(err)
	}
	tree, err := Parse(d.Pack())
	if err != nil {
		t.Fatal(err)
	}
	chosen, ok := tree.Find("/chosen")
	if args, _ := chosen.Text("bootargs"); !ok || string(args) != "quiet" {
		t.Errorf("%q, %v", args, ok)
	}
}
