package xen_test

import (
	"testing"

	"pvboot/internal/again"
)

// pv makes the machines of tests PV domains. Only TestPV sets it.
var pv bool

// TestPV runs tests once more in a PV domain, where grants name machine frames
// and Xen's own frames are mapped by their machine frame.
func TestPV(t *testing.T) {
	again.Run(t, &pv,
		TestDiscovery,
		TestEventChannel,
		TestEventChannelsRunOut,
		TestShutdown,
		TestGrantAccess,
		TestGrantToOtherDomain,
		TestGrantPagesRefusesOtherMemory,
		TestGrantTableGrows,
		TestGrantsAtOnce,
		TestGrantTableRefused,
		TestCloseGoesBackwards,
		TestCloseTriesAgain,
		TestDomainAfterDomain,
		TestSharedInfo,
		TestVCPUInfo,
		TestVCPUInfoRefused,
		TestSleepEndsAtAnEvent,
	)
}
