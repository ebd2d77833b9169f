package xenbus_test

import (
	"testing"

	"pvboot/internal/again"
)

// pv makes the machines of tests PV domains. Only TestPV sets it.
var pv bool

// TestPV runs tests once more in a PV domain, where the store is
// found by start_info.
func TestPV(t *testing.T) {
	again.Run(t, &pv,
		TestLife,
		TestDevicesLooksAtAll,
		TestNoStore,
		TestReset,
	)
}
