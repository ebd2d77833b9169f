package console_test

import "testing"

// pv makes the machines of tests PV domains. Only TestPV sets it, and no test
// here runs beside another one.
var pv bool

// TestPV runs tests once more in a PV domain, where the ring is
// found by start_info.
func TestPV(t *testing.T) {
	pv = true
	defer func() { pv = false }()
	for _, tt := range []struct {
		name string
		test func(*testing.T)
	}{
		{"OutputIsCompleteAndInOrder", TestOutputIsCompleteAndInOrder},
		{"WritesAreNotTorn", TestWritesAreNotTorn},
		{"CloseLeavesOutputForTheDaemon", TestCloseLeavesOutputForTheDaemon},
		{"Input", TestInput},
		{"HostileIndices", TestHostileIndices},
		{"NoConsole", TestNoConsole},
	} {
		t.Run(tt.name, tt.test)
	}
}
