package xenbus_test

import "testing"

// pv makes the machines of tests PV domains. Only TestPV sets it, and no test
// here runs beside another one.
var pv bool

// TestPV runs tests once more in a PV domain, where the store is
// found by start_info.
func TestPV(t *testing.T) {
	pv = true
	defer func() { pv = false }()
	for _, tt := range []struct {
		name string
		test func(*testing.T)
	}{
		{"Life", TestLife},
		{"DevicesLooksAtAll", TestDevicesLooksAtAll},
		{"NoStore", TestNoStore},
		{"Reset", TestReset},
	} {
		t.Run(tt.name, tt.test)
	}
}
