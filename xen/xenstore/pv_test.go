package xenstore_test

import (
	"testing"

	"pvboot/internal/again"
)

// pv makes the machines of tests PV domains. Only TestPV sets it.
var pv bool

// TestPV runs tests once more in a PV domain, where the ring is
// found by start_info.
func TestPV(t *testing.T) {
	again.Run(t, &pv,
		TestClientOperations,
		TestBatches,
		TestLongDirectory,
		TestTransactions,
		TestWatches,
		TestManyGoroutines,
		TestSlowDaemon,
	)
}
