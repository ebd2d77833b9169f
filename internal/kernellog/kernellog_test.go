package kernellog

import "testing"

func TestSameRAM(t *testing.T) {
	const one = "MemTotal:   1000 kB\r\n80000000-9fffffff : System RAM\r\n"
	for _, tt := range []struct {
		name, b    string
		same, fail bool
	}{
		{"itself", one, true, false},
		{"a little less", "MemTotal:   2000 kB\n80000000-9fffffff : System RAM\n", true, false},
		{"much more", "MemTotal:   3000 kB\n80000000-9fffffff : System RAM\n", false, false},
		{"another range", "MemTotal:   1000 kB\n80000000-8fffffff : System RAM\n", false, false},
		{"no range", "MemTotal:   1000 kB\n", false, true},
		{"no total", "80000000-9fffffff : System RAM\n", false, true},
		{"a total that is too long", "MemTotal:   99999999999999999999 kB\n80000000-9fffffff : System RAM\n", false, true},
	} {
		diff, err := SameRAM(one, tt.b)
		if (err != nil) != tt.fail || err == nil && (diff == "") != tt.same {
			t.Errorf("%s: %q, %v", tt.name, diff, err)
		}
	}
}
