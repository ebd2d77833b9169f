package fdt

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

func put(b []byte, offset int, v uint32) []byte {
	binary.BigEndian.PutUint32(b[offset:], v)
	return b
}

// small is a whole tree.
func small() *raw {
	return new(raw).begin("").prop("model", "x\x00").begin("chosen").end().end().cells(tokenStop)
}

func TestErrors(t *testing.T) {
	whole := small().bytes()
	header := func(offset int, v uint32) []byte { return put(append([]byte(nil), whole...), offset, v) }
	size := uint32(len(whole))
	deep := func(n int) []byte {
		r := new(raw)
		for range n {
			r.begin("")
		}
		for range n {
			r.end()
		}
		return r.cells(tokenStop).bytes()
	}
	for _, c := range []struct {
		name string
		b    []byte
		want string // "" for no error
	}{
		{"whole", whole, ""},
		{"version 16", (&raw{version: 16}).begin("").end().cells(tokenStop).bytes(), ""},
		{"version 18, compatible", header(hdrVersion, 18), ""},
		{"NOPs", new(raw).cells(tokenNOP).begin("").cells(tokenNOP).prop("a", "").cells(tokenNOP).end().cells(tokenNOP, tokenStop).bytes(), ""},
		{"deepest", deep(MaxDepth), ""},
		{"empty", nil, "offset 0x0: too short for a header"},
		{"short", whole[:headerSize16-1], "offset 0x23: too short for a header"},
		{"ELF", append([]byte("\x7fELF"), whole...), "offset 0x0: not a device tree"},
		{"truncated", whole[:size-1], "truncated"},
		{"huge", header(hdrTotalSize, MaxSize+1), "offset 0x4: above 2 MiB"},
		{"no header", header(hdrTotalSize, headerSize-1), "offset 0x4: too small for a header"},
		{"no version 16 header", put(header(hdrTotalSize, headerSize16-1), hdrVersion, 16), "offset 0x4: too small for a header"},
		{"nothing", header(hdrTotalSize, 0), "offset 0x4: too small for a header"},
		{"version 15", header(hdrVersion, 15), "offset 0x14: version is not compatible with 17"},
		{"version 18", header(hdrLastComp, 18), "offset 0x14: version is not compatible with 17"},
		{"reserved in the header", header(hdrReserved, headerSize-8), "offset 0x10: bad offset of the memory reservation block"},
		{"reserved outside", header(hdrReserved, (size+7)&^7), "offset 0x10: bad offset of the memory reservation block"},
		{"reserved unaligned", header(hdrReserved, headerSize+4), "offset 0x10: bad offset of the memory reservation block"},
		{"reserved at the end", header(hdrReserved, size&^7), "offset 0x68: memory reservation block without an end"},
		{"structure in the header", header(hdrStructure, 0), "offset 0x8: bad offset of the structure block"},
		{"structure outside", header(hdrStructure, 0xfffffffc), "offset 0x8: bad offset of the structure block"},
		{"structure unaligned", header(hdrStructure, headerSize+18), "offset 0x8: bad offset of the structure block"},
		{"structure too long", header(hdrStructSize, 0xffffffff), "offset 0x24: structure block ends outside"},
		{"structure too short", header(hdrStructSize, 8), "offset 0x40: truncated structure block"},
		{"strings in the header", header(hdrStrings, 4), "offset 0xc: bad offset of the strings block"},
		{"strings outside", header(hdrStrings, size+1), "offset 0xc: bad offset of the strings block"},
		{"strings too long", header(hdrStringsSize, 0x80000000), "offset 0x20: strings block ends outside"},
		{"strings without NUL", header(hdrStringsSize, 5), "offset 0x40: property without a name"},
		{"reserved without end", (&raw{reserved: []uint64{1, 2}}).begin("").bytes(), "offset 0x28: memory reservation block without an end"},
		{"no node", new(raw).cells(tokenStop).bytes(), "offset 0x38: tree ends too early"},
		{"no tokens", new(raw).bytes(), "offset 0x38: truncated structure block"},
		{"two roots", new(raw).begin("").end().begin("").end().cells(tokenStop).bytes(), "offset 0x44: node beside the root"},
		{"node without end", new(raw).begin("").cells(tokenStop).bytes(), "offset 0x40: tree ends too early"},
		{"too many ends", new(raw).begin("").end().end().cells(tokenStop).bytes(), "offset 0x44: end of a node that did not begin"},
		{"no end token", new(raw).begin("").end().bytes(), "offset 0x44: truncated structure block"},
		{"unknown token", new(raw).begin("").cells(5).end().cells(tokenStop).bytes(), "offset 0x40: unknown token"},
		{"token 0", new(raw).begin("").cells(0).end().cells(tokenStop).bytes(), "offset 0x40: unknown token"},
		{"property first", new(raw).prop("a", "").begin("").end().cells(tokenStop).bytes(), "offset 0x38: property outside its node"},
		{"property last", new(raw).begin("").begin("a").end().prop("b", "").end().cells(tokenStop).bytes(), "offset 0x4c: property outside its node"},
		{"property too long", new(raw).begin("").cells(tokenProp, 0xffffffff, 0).bytes(), "offset 0x40: truncated structure block"},
		{"property cut", new(raw).begin("").cells(tokenProp, 0).bytes(), "offset 0x40: truncated structure block"},
		{"name outside", new(raw).begin("").cells(tokenProp, 0, 0xffffffff).bytes(), "offset 0x40: property without a name"},
		{"name empty", new(raw).begin("").prop("", "").bytes(), "offset 0x40: property without a name"},
		{"longest name", new(raw).begin("").prop(strings.Repeat("x", MaxNameLen), "").end().cells(tokenStop).bytes(), ""},
		{"name too long", new(raw).begin("").prop(strings.Repeat("x", MaxNameLen+1), "").end().cells(tokenStop).bytes(), "offset 0x40: property without a name"},
		{"node name cut", new(raw).begin("").cells(tokenBegin, 0x61616161).bytes(), "offset 0x40: truncated structure block"},
		{"too deep", deep(MaxDepth + 1), "offset 0x238: nodes nested too deeply"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(c.b)
			if _, ok := Open(c.b); ok != (err == nil) {
				t.Errorf("Open: %v", ok)
			}
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var typed *Error
			if !errors.As(err, &typed) || !strings.HasPrefix(err.Error(), "device tree: offset ") || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// TestTruncated cuts a tree at each byte.
func TestTruncated(t *testing.T) {
	whole := load(t, "xenvm.dtb")
	for n := range whole {
		if _, ok := Open(whole[:n]); ok {
			t.Fatalf("the first %d bytes are a tree", n)
		}
	}
}

func TestSize(t *testing.T) {
	for _, c := range []struct {
		head string
		n    int
		ok   bool
	}{
		{"\xd0\x0d\xfe\xed\x00\x00\x10\x00", 4096, true},
		{"\xd0\x0d\xfe\xed\x00\x20\x00\x00", MaxSize, true},
		{"\xd0\x0d\xfe\xed\x00\x20\x00\x01", 0, false},
		{"\xd0\x0d\xfe\xed\xff\xff\xff\xff", 0, false},
		{"\xd0\x0d\xfe\xed\x00\x00\x00\x23", 0, false},
		{"\xed\xfe\x0d\xd0\x00\x00\x10\x00", 0, false},
		{"\xd0\x0d\xfe\xed\x00\x00\x10", 0, false},
		{"", 0, false},
	} {
		if n, ok := Size([]byte(c.head)); n != c.n || ok != c.ok {
			t.Errorf("Size(%x) = %d, %v", c.head, n, ok)
		}
	}
}
