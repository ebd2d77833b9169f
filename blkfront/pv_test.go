package blkfront_test

import (
	"testing"

	"pvboot/internal/again"
)

// pv makes the machines of tests PV domains. Only TestPV sets it.
var pv bool

// TestPV runs tests once more in a PV domain, where a page's frame
// and its neighbour's say nothing of each other.
func TestPV(t *testing.T) {
	again.Run(t, &pv,
		TestReadAt,
		TestReadAtEdges,
		TestZeroCopyAndDepth,
		TestSeveralReaders,
		TestWriteAt,
		TestReconnect,
		TestDomainCloseEndsDevice,
		TestLeftoverState,
		TestSeveralDisks,
		TestErrorAnswers,
		TestPersistentGrants,
	)
}
