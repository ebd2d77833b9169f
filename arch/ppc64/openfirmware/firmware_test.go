package openfirmware

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/internal/fdt"
)

// device is a package of the firmware in tests. Its number is its index, from 1.
type device struct {
	name   string // with its unit address
	parent int
	props  [][2]string
}

// firmware is Open Firmware in Go.
type firmware struct {
	t       *testing.T
	memory  []byte
	base    uint64
	devices []device
	ram     uint64 // claims must end before
	claimed []Range
	calls   []string
	counts  bool // the 0 at a path's end
	broken  string
}

const testBase = 0x700000

func (f *firmware) client() *Client {
	return &Client{Call: f.call, Memory: f.memory, Base: f.base}
}

// newFirmware has a tree like that of QEMU's machine "pseries".
func newFirmware(t *testing.T) *firmware {
	word := func(v ...uint32) string {
		var b []byte
		for _, w := range v {
			b = binary.BigEndian.AppendUint32(b, w)
		}
		return string(b)
	}
	return &firmware{
		t: t, memory: make([]byte, 64<<10), base: testBase, ram: 256 << 20,
		devices: []device{
			{"/", 0, [][2]string{{"name", "\x00"}, {"#address-cells", word(2)}, {"#size-cells", word(2)}, {"model", "x\x00"}}},
			{"chosen", 1, [][2]string{{"bootargs", "a b\x00"}, {"stdout", word(77)}, {"linux,initrd-start", word(1)}, {"linux,initrd-end", word(2)}}},
			{"rtas", 1, [][2]string{{"rtas-size", word(0x1234)}, {"linux,rtas-base", word(7)}}},
			{"memory@0", 1, [][2]string{{"device_type", "memory\x00"}, {"reg", word(0, 0, 0, 256<<20)}}},
			{"vdevice", 1, nil},
			{"vty@71000000", 5, [][2]string{{"compatible", "hvterm1\x00"}, {"reg", word(0x71000000)}, {"phandle", word(99)}, {"odd", "xyz"}, {"empty", ""}}},
		},
	}
}

func (f *firmware) text(addr uint32) string {
	at := uint64(addr) - f.base
	if at >= uint64(len(f.memory)) {
		f.t.Fatalf("string at %#x", addr)
	}
	s, _, _ := strings.Cut(string(f.memory[at:]), "\x00")
	return s
}

func (f *firmware) store(addr, size uint32, value string) {
	at := uint64(addr) - f.base
	if at+uint64(size) > uint64(len(f.memory)) {
		f.t.Fatalf("buffer of %d bytes at %#x", size, addr)
	}
	copy(f.memory[at:at+uint64(size)], value)
}

func (f *firmware) path(n int) string {
	d := f.devices[n-1]
	switch d.parent {
	case 0:
		return "/"
	case 1:
		return "/" + d.name
	}
	return f.path(d.parent) + "/" + d.name
}

func (f *firmware) prop(n uint32, name string) (string, bool) {
	if n == 0 || int(n) > len(f.devices) {
		f.t.Fatalf("no package %d", n)
	}
	for _, p := range f.devices[n-1].props {
		if p[0] == name {
			return p[1], true
		}
	}
	return "", false
}

// call is the client interface.
func (f *firmware) call(args uint64) {
	if args != f.base {
		f.t.Fatalf("arguments at %#x", args)
	}
	cell := func(i uint32) uint32 { return binary.BigEndian.Uint32(f.memory[4*i:]) }
	service, n := f.text(cell(0)), cell(1)
	arg := func(i uint32) uint32 { return cell(3 + i) }
	ret := func(i, v uint32) { binary.BigEndian.PutUint32(f.memory[4*(3+n+i):], v) }
	result := uint32(none)
	defer func() { ret(0, result) }()
	if service == f.broken {
		return
	}
	next := func(after, parent int) uint32 {
		for i := after; i < len(f.devices); i++ {
			if f.devices[i].parent == parent {
				return uint32(i + 1)
			}
		}
		return 0
	}
	switch service {
	case "peer":
		if arg(0) == 0 {
			result = 1
			return
		}
		result = next(int(arg(0)), f.devices[arg(0)-1].parent)
		if arg(0) == 1 {
			result = 0
		}
	case "child":
		result = next(0, int(arg(0)))
	case "parent":
		result = uint32(f.devices[arg(0)-1].parent)
	case "finddevice":
		for i := range f.devices {
			if f.path(i+1) == f.text(arg(0)) {
				result = uint32(i + 1)
			}
		}
	case "package-to-path":
		path := f.path(int(arg(0)))
		if f.counts {
			path += "\x00"
		}
		f.store(arg(1), min(arg(2), uint32(len(path))), path)
		result = uint32(len(path))
	case "instance-to-package":
		if arg(0) == 77 {
			result = 6
		}
	case "getproplen":
		if v, ok := f.prop(arg(0), f.text(arg(1))); ok {
			result = uint32(len(v))
		}
	case "getprop":
		if v, ok := f.prop(arg(0), f.text(arg(1))); ok {
			f.store(arg(2), min(arg(3), uint32(len(v))), v)
			result = uint32(len(v))
		}
	case "nextprop":
		props := f.devices[arg(0)-1].props
		previous := f.text(arg(1))
		i := 0
		if previous != "" {
			for i = range props {
				if props[i][0] == previous {
					break
				}
			}
			i++
		}
		result = 0
		if i < len(props) {
			f.store(arg(2), uint32(len(props[i][0])+1), props[i][0]+"\x00")
			result = 1
		}
	case "claim":
		r := Range{uint64(arg(0)), uint64(arg(1))}
		f.calls = append(f.calls, fmt.Sprintf("claim %#x+%#x", r.Start, r.Size))
		if arg(2) != 0 || r.Start+r.Size > f.ram {
			return
		}
		for _, c := range f.claimed {
			if r.Start < c.Start+c.Size && c.Start < r.Start+r.Size {
				return
			}
		}
		result = arg(0)
	case "open":
		if f.text(arg(0)) == "/rtas" {
			result = 55
		}
	case "call-method":
		if f.text(arg(0)) == "instantiate-rtas" && arg(1) == 55 {
			result = 0
			defer ret(1, arg(2)+0x10)
		}
	case "write":
		if arg(0) == 77 {
			f.calls = append(f.calls, "write "+f.text(arg(1))[:arg(2)])
		}
	case "quiesce":
		f.calls = append(f.calls, service)
	default:
		f.t.Errorf("service %q", service)
	}
}

// lines prints a tree.
func lines(t *testing.T, b []byte) (out []string) {
	t.Helper()
	tree, ok := fdt.Open(b)
	if !ok {
		t.Fatal("no device tree")
	}
	if again, err := fdt.Unpack(b); err != nil || again == nil {
		t.Fatalf("unpacked: %v", err)
	}
	for i := 0; ; i++ {
		start, size, ok := tree.Reserved(i)
		if !ok {
			break
		}
		out = append(out, fmt.Sprintf("reserved %#x+%#x", start, size))
	}
	w := tree.Walk()
	for n, ok := w.Next(); ok; n, ok = w.Next() {
		out = append(out, strings.Repeat(" ", w.Depth())+string(n.Name())+":")
		var props []string
		for _, name := range []string{
			"#address-cells", "#size-cells", "model", "bootargs", "stdout", "stdout-path", "linux,initrd-start", "linux,initrd-end",
			"rtas-size", "linux,rtas-base", "linux,rtas-entry", "device_type", "reg", "compatible", "odd", "empty", "phandle", "name",
		} {
			if v, ok := n.Prop(name); ok {
				props = append(props, fmt.Sprintf("%s=%q", name, v))
			}
		}
		sort.Strings(props)
		out = append(out, strings.Repeat(" ", w.Depth()+1)+strings.Join(props, " "))
	}
	return out
}

func TestFlatten(t *testing.T) {
	for _, counts := range []bool{false, true} {
		f := newFirmware(t)
		f.counts = counts
		c := f.client()
		// What firmware leaves in memory must not show.
		copy(c.Memory, bytes.Repeat([]byte{0xee}, len(c.Memory)))
		rtas := c.Instantiate()
		if want := (RTAS{Range{0xfffe000, 0x2000}, 0xfffe010}); rtas != want {
			t.Fatalf("RTAS %+v, want %+v", rtas, want)
		}
		flat, why := c.Flatten(Chosen{RTAS: rtas, Initrd: Range{0x8000000, 0x123}})
		if why != "" {
			t.Fatal(why)
		}
		c.Quiesce()
		want := []string{
			"reserved 0xfffe000+0x2000",
			":",
			` #address-cells="\x00\x00\x00\x02" #size-cells="\x00\x00\x00\x02" model="x\x00" phandle="\x00\x00\x00\x01"`,
			" chosen:",
			`  bootargs="a b\x00" linux,initrd-end="\x00\x00\x00\x00\b\x00\x01#" linux,initrd-start="\x00\x00\x00\x00\b\x00\x00\x00" phandle="\x00\x00\x00\x02" stdout-path="/vdevice/vty@71000000\x00" stdout="\x00\x00\x00M"`,
			" rtas:",
			`  linux,rtas-base="\x0f\xff\xe0\x00" linux,rtas-entry="\x0f\xff\xe0\x10" phandle="\x00\x00\x00\x03" rtas-size="\x00\x00\x124"`,
			" memory@0:",
			`  device_type="memory\x00" phandle="\x00\x00\x00\x04" reg="\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00"`,
			" vdevice:",
			`  phandle="\x00\x00\x00\x05"`,
			"  vty@71000000:",
			`   compatible="hvterm1\x00" empty="" odd="xyz" phandle="\x00\x00\x00c" reg="q\x00\x00\x00"`,
		}
		if diff := cmp.Diff(want, lines(t, flat)); diff != "" {
			t.Errorf("paths that count their end %v: %s", counts, diff)
		}
		if diff := cmp.Diff([]string{"claim 0xfffe000+0x2000", "quiesce"}, f.calls); diff != "" {
			t.Error(diff)
		}
	}
}

// TestOwnInitrd: without registers that tell of an initrd, what the firmware says
// of it stays.
func TestOwnInitrd(t *testing.T) {
	flat, why := newFirmware(t).client().Flatten(Chosen{})
	if why != "" {
		t.Fatal(why)
	}
	text := strings.Join(lines(t, flat), "\n")
	for _, want := range []string{`linux,initrd-end="\x00\x00\x00\x02"`, `linux,rtas-base="\x00\x00\x00\a"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, "reserved") || strings.Contains(text, "rtas-entry") {
		t.Errorf("services that are not there:\n%s", text)
	}
}

func TestPrint(t *testing.T) {
	f := newFirmware(t)
	f.client().Print("one line\r\n")
	f.client().Print(strings.Repeat("x", 100))
	if diff := cmp.Diff([]string{"write one line\r\n", "write " + strings.Repeat("x", 63)}, f.calls); diff != "" {
		t.Error(diff)
	}
	f.devices[1].name = "other"
	f.client().Print("nowhere")
	if len(f.calls) != 2 {
		t.Error(f.calls)
	}
}

func TestInstantiateRefused(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*firmware)
	}{
		{"no package", func(f *firmware) { f.devices[2].name = "other" }},
		{"no size", func(f *firmware) { f.devices[2].props = nil }},
		{"too large", func(f *firmware) { f.devices[2].props[0][1] = "\xff\xff\xff\x00" }},
		{"no memory", func(f *firmware) { f.devices[3].name = "other" }},
		{"all memory taken", func(f *firmware) { f.claimed = []Range{{0, 1 << 32}} }},
		{"no instance", func(f *firmware) { f.broken = "open" }},
		{"no method", func(f *firmware) { f.broken = "call-method" }},
		{"no claim", func(f *firmware) { f.broken = "claim" }},
	} {
		f := newFirmware(t)
		test.change(f)
		if r := f.client().Instantiate(); r.Size != 0 {
			t.Errorf("%s: %+v", test.name, r)
		}
	}
	f := newFirmware(t)
	f.claimed = []Range{{0xf000000, 0x1000000}}
	if r := f.client().Instantiate(); r.Start != 0x7ffe000 {
		t.Errorf("beside memory that is taken: %+v", r)
	}
}

func TestFlattenRefused(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*firmware)
		want   string
	}{
		{"no devices", func(f *firmware) { f.broken = "peer" }, "no devices"},
		{"no parent", func(f *firmware) { f.broken = "parent" }, "has no parent"},
		{"too small", func(f *firmware) { f.memory = f.memory[:1500] }, "too small"},
		{"beyond 4 GiB", func(f *firmware) { f.base = 1<<32 - 1<<10 }, "beyond 4 GiB"},
		{"no room", func(f *firmware) {
			f.memory = f.memory[:2300]
			for i := range 40 {
				f.devices = append(f.devices, device{fmt.Sprintf("device@%d", i), 5, nil})
			}
		}, "no room for the device tree"},
		{"no room for a property", func(f *firmware) { f.devices[4].props = [][2]string{{"large", strings.Repeat("x", 64<<10)}} }, "no room for the device tree"},
		{"no room for names", func(f *firmware) {
			for i := range 500 {
				f.devices[4].props = append(f.devices[4].props, [2]string{fmt.Sprintf("a-property-with-a-long-name-%04d", i), ""})
			}
		}, "no room for the device tree's names"},
		{"a property that changes", func(f *firmware) { f.broken = "getprop" }, "changed its size"},
	} {
		f := newFirmware(t)
		test.change(f)
		c := f.client()
		if _, why := c.Flatten(Chosen{}); !strings.Contains(why, test.want) {
			t.Errorf("%s: %q, want %q", test.name, why, test.want)
		}
	}
}
