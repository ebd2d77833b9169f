package blkfront_test

import "testing"

// pv makes the machines of tests PV domains. Only TestPV sets it, and no test
// here runs beside another one.
var pv bool

// TestPV runs tests once more in a PV domain, where a page's frame
// and its neighbour's say nothing of each other.
func TestPV(t *testing.T) {
	pv = true
	defer func() { pv = false }()
	for _, tt := range []struct {
		name string
		test func(*testing.T)
	}{
		{"ReadAt", TestReadAt},
		{"ReadAtEdges", TestReadAtEdges},
		{"ZeroCopyAndDepth", TestZeroCopyAndDepth},
		{"SeveralReaders", TestSeveralReaders},
		{"WriteAt", TestWriteAt},
		{"Reconnect", TestReconnect},
		{"DomainCloseEndsDevice", TestDomainCloseEndsDevice},
		{"LeftoverState", TestLeftoverState},
		{"SeveralDisks", TestSeveralDisks},
		{"ErrorAnswers", TestErrorAnswers},
		{"PersistentGrants", TestPersistentGrants},
	} {
		t.Run(tt.name, tt.test)
	}
}
