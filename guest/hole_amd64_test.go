package guest

import "testing"

func TestFindHole(t *testing.T) {
	pvh := []Range{{0, 0x8000000, RAM}, {0xfc000000, 0x8000, 3}, {0xfeff8000, 0x8000, 2}}
	full := []Range{{0, 1 << 32, RAM}}
	for _, test := range []struct {
		name   string
		memory []Range
		end    uint64
		n      int
		want   uint64
		ok     bool
	}{
		{"top", pvh, holeTop, 4, holeTop - 4, true},
		{"fills the top", pvh, holeTop, 0xfff, 0xff000, true},
		{"below the special pages and the LAPIC", pvh, holeTop, 0x1000, 0xfdc00, true},
		{"large", pvh, holeTop, 0x20000, 0xfc000 - 0x20000, true},
		{"second", pvh, holeTop - 4, 4, holeTop - 8, true},
		{"none", full, holeTop, 1, 0, false},
		{"too large", pvh, holeTop, 0x100000, 0, false},
		{"zero", pvh, holeTop, 0, 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := findHole(test.memory, test.end, test.n)
			if got != test.want && ok || ok != test.ok {
				t.Errorf("hole %#x %v, want %#x %v", got, ok, test.want, test.ok)
			}
		})
	}
}
