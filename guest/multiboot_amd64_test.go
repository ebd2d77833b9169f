package guest

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var le = binary.LittleEndian

// tag lays one tag out, padded as the next one needs it.
func tag(kind uint32, body ...[]byte) []byte {
	whole := bytes.Join(body, nil)
	b := le.AppendUint32(nil, kind)
	b = le.AppendUint32(b, uint32(mb2TagHead+len(whole)))
	b = append(b, whole...)
	for len(b)%mb2Align != 0 {
		b = append(b, 0)
	}
	return b
}

// bootInfo is information with these tags, and the one that ends it.
func bootInfo(tags ...[]byte) []byte {
	all := append(bytes.Join(tags, nil), tag(mb2TagEnd)...)
	b := le.AppendUint32(nil, uint32(mb2InfoHead+len(all)))
	return append(append(b, 0, 0, 0, 0), all...)
}

// words are 32-bit numbers.
func words(list ...uint32) (b []byte) {
	for _, w := range list {
		b = le.AppendUint32(b, w)
	}
	return b
}

// asGRUB is information as GRUB 2.12 gives it under Xen: also tags that do not
// matter here, and a memory map with RAM above 4 GiB.
var asGRUB = bootInfo(
	tag(21, words(2<<20)),
	tag(mb2TagCmdLine, []byte("a=b \"c d\"\x00")),
	tag(mb2TagLoader, []byte("GRUB 2.12-9\x00")),
	tag(mb2TagModule, words(0x800000, 0x900001), []byte("first one\x00")),
	tag(mb2TagModule, words(0xa00000, 0xa00000), []byte("empty\x00")),
	tag(mb2TagModule, words(0xb00000, 0xb00010), []byte("\x00")),
	tag(mb2TagMap, words(24, 0),
		words(0, 0, 0x20000000, 0, 1, 0), words(0xfc000000, 0, 0x9000, 0, 3, 0), words(0, 1, 0, 2, 1, 0)),
	tag(9, words(0, 64, 0)),
)

// summary is what was read.
type summary struct {
	CmdLine, BootLoader string
	Memory              []Range
	Modules             []Module
}

func summarize(s *startInfo) summary {
	sum := summary{CmdLine: string(s.cmdLine.bytes()), BootLoader: string(s.bootLoader.bytes())}
	sum.Memory = append(sum.Memory, s.memory.list()...)
	for i, m := range s.modules.list() {
		sum.Modules = append(sum.Modules, Module{m.Start, m.Size, string(s.moduleCmdLine[i].bytes())})
	}
	return sum
}

func TestReadMultiboot(t *testing.T) {
	module := tag(mb2TagModule, words(0x1000, 0x2000), []byte("m\x00"))
	for _, test := range []struct {
		name string
		info []byte
		want summary
	}{
		{"GRUB", asGRUB, summary{
			CmdLine: `a=b "c d"`, BootLoader: "GRUB 2.12-9",
			Memory:  []Range{{0, 512 << 20, RAM}, {0xfc000000, 0x9000, typeACPI}, {1 << 32, 2 << 32, RAM}},
			Modules: []Module{{0x800000, 0x100001, "first one"}, {0xb00000, 0x10, ""}},
		}},
		{"nothing told", bootInfo(), summary{BootLoader: unnamedLoader}},
		{"no name", bootInfo(tag(mb2TagLoader, []byte{0}), tag(mb2TagLoader)), summary{BootLoader: unnamedLoader}},
		{"texts without an end", bootInfo(tag(mb2TagCmdLine, []byte("a b")), tag(mb2TagLoader, []byte("x"))),
			summary{CmdLine: "a b", BootLoader: "x"}},
		{"long text", bootInfo(tag(mb2TagCmdLine, bytes.Repeat([]byte("x"), 5000))),
			summary{CmdLine: strings.Repeat("x", 4095), BootLoader: unnamedLoader}},
		{"five modules", bootInfo(module, module, module, module, module), summary{
			BootLoader: unnamedLoader,
			Modules:    []Module{{0x1000, 0x1000, "m"}, {0x1000, 0x1000, "m"}, {0x1000, 0x1000, "m"}, {0x1000, 0x1000, "m"}},
		}},
		{"odd modules", bootInfo(tag(mb2TagModule, words(1)), tag(mb2TagModule, words(2, 1)), tag(mb2TagModule, words(0, 1))),
			summary{BootLoader: unnamedLoader}},
		{"larger map entries", bootInfo(tag(mb2TagMap, words(32, 0),
			words(0, 0, 1, 0, 1, 0, 0, 0), words(2, 0, 1, 0, 2, 0, 0, 0), words(4, 0, 1))),
			summary{BootLoader: unnamedLoader, Memory: []Range{{0, 1, RAM}, {2, 1, typeReserved}}}},
		{"odd maps", bootInfo(tag(mb2TagMap, words(24)), tag(mb2TagMap, words(0, 0), words(0, 0, 1, 0, 1, 0)),
			tag(mb2TagMap, words(1<<32-1, 0), words(0, 0, 1, 0, 1, 0))), summary{BootLoader: unnamedLoader}},
		{"behind the end", append(bootInfo(), tag(mb2TagCmdLine, []byte("x"))...), summary{BootLoader: unnamedLoader}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var s startInfo
			if !readMultiboot(test.info, &s) {
				t.Error("is not whole")
			}
			if diff := cmp.Diff(test.want, summarize(&s)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadMultibootRefuses(t *testing.T) {
	for n := range asGRUB {
		var s startInfo
		if readMultiboot(asGRUB[:n], &s) {
			t.Errorf("%d of %d bytes are whole", n, len(asGRUB))
		}
	}
	for name, size := range map[string]uint32{"no header": 7, "zero": 0, "beyond the end": 1 << 20, "all ones": 1<<32 - 1} {
		info := bytes.Clone(asGRUB)
		le.PutUint32(info[mb2InfoHead+4:], size)
		var s startInfo
		if readMultiboot(info, &s) {
			t.Errorf("a tag's size %s (%d) is accepted", name, size)
		}
	}
}

func FuzzReadMultiboot(f *testing.F) {
	f.Add(asGRUB)
	f.Add(bootInfo())
	f.Fuzz(func(t *testing.T, info []byte) {
		var s startInfo
		if !readMultiboot(info, &s) {
			return
		}
		for _, r := range append(s.memory.list(), s.modules.list()...) {
			if r.Size == 0 || r.End() < r.Start {
				t.Errorf("range %#x+%#x", r.Start, r.Size)
			}
		}
		if len(s.bootLoader.bytes()) == 0 || s.modules.n > len(s.moduleCmdLine) {
			t.Errorf("name %q, %d modules", s.bootLoader.bytes(), s.modules.n)
		}
	})
}
