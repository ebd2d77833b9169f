package guest

import "testing"

// rsdp is a root pointer with right checksums: 20 bytes of revision 0, 36 of
// revision 2.
func rsdp(revision byte) []byte {
	b := make([]byte, rsdpSize)
	if revision >= 2 {
		b = make([]byte, rsdpSize2)
		b[20] = rsdpSize2
	}
	copy(b, rsdpSignature)
	b[15] = revision
	b[8] = -sum(b[:rsdpSize])
	if revision >= 2 {
		b[32] = -sum(b)
	}
	return b
}

// pageWith lays pieces into a page of zeros.
func pageWith(pieces map[int][]byte) []byte {
	b := make([]byte, pageSize)
	for at, p := range pieces {
		copy(b[at:], p)
	}
	return b
}

// damaged changes one byte.
func damaged(b []byte, at int) []byte {
	b[at]++
	return b
}

func TestSearchRSDP(t *testing.T) {
	const base = 0xfc000000
	for _, test := range []struct {
		name  string
		start uint64 // of the range that holds the page
		typ   uint32
		page  []byte
		want  uint64
	}{
		{"revision 2", base, typeACPI, pageWith(map[int][]byte{0x740: rsdp(2)}), base + 0x740},
		{"revision 0", base, typeACPINVS, pageWith(map[int][]byte{0: rsdp(0)}), base},
		{"not aligned", base, typeACPI, pageWith(map[int][]byte{8: rsdp(2)}), 0},
		{"range is not aligned", base + 8, typeACPI, pageWith(map[int][]byte{8: rsdp(2)}), base + 16},
		{"at the end", base, typeACPI, pageWith(map[int][]byte{pageSize - 32: rsdp(0)}), base + pageSize - 32},
		{"cut off", base, typeACPI, pageWith(map[int][]byte{pageSize - 32: rsdp(2)}), 0},
		{"first checksum", base, typeACPI, pageWith(map[int][]byte{16: damaged(rsdp(0), 8)}), 0},
		{"second checksum", base, typeACPI, pageWith(map[int][]byte{16: damaged(rsdp(2), 33)}), 0},
		{"second one is right", base, typeACPI, pageWith(map[int][]byte{16: damaged(rsdp(2), 33), 64: rsdp(2)}), base + 64},
		{"RAM", base, RAM, pageWith(map[int][]byte{16: rsdp(2)}), 0},
		{"reserved", base, typeReserved, pageWith(map[int][]byte{16: rsdp(2)}), 0},
		{"length", base, typeACPI, pageWith(map[int][]byte{16: func() []byte {
			b := rsdp(2)
			b[32] += b[20] - 19 // of its 19 first bytes
			b[20] = 19
			return b
		}()}), 0},
		{"short page", base, typeACPI, []byte("RSD PTR "), 0},
		{"not mapped", base, typeACPI, nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			memory := []Range{{0, base, RAM}, {test.start, uint64(max(len(test.page), pageSize)), test.typ}}
			got := searchRSDP(memory, func(addr, size uint64) []byte {
				if addr != test.start {
					t.Errorf("looks at %#x+%#x", addr, size)
				}
				return test.page
			})
			if got != test.want {
				t.Errorf("found %#x, want %#x", got, test.want)
			}
		})
	}
}

// A range that is too long is searched in part only.
func TestSearchRSDPIsBounded(t *testing.T) {
	searchRSDP([]Range{{0, 1 << 40, typeACPI}}, func(_, size uint64) []byte {
		if size != rsdpSearch {
			t.Errorf("searches %#x bytes, want %#x", size, rsdpSearch)
		}
		return nil
	})
}
