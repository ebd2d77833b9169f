package xen_test

import "testing"

// pv makes the machines of tests PV domains. Only TestPV sets it, and no test
// here runs beside another one.
var pv bool

// TestPV runs tests once more in a PV domain, where grants name machine frames
// and Xen's own frames are mapped by their machine frame.
func TestPV(t *testing.T) {
	pv = true
	defer func() { pv = false }()
	for _, tt := range []struct {
		name string
		test func(*testing.T)
	}{
		{"Discovery", TestDiscovery},
		{"EventChannel", TestEventChannel},
		{"EventChannelsRunOut", TestEventChannelsRunOut},
		{"Shutdown", TestShutdown},
		{"GrantAccess", TestGrantAccess},
		{"GrantToOtherDomain", TestGrantToOtherDomain},
		{"GrantPagesRefusesOtherMemory", TestGrantPagesRefusesOtherMemory},
		{"GrantTableGrows", TestGrantTableGrows},
		{"GrantsAtOnce", TestGrantsAtOnce},
		{"GrantTableRefused", TestGrantTableRefused},
		{"CloseGoesBackwards", TestCloseGoesBackwards},
		{"CloseTriesAgain", TestCloseTriesAgain},
		{"DomainAfterDomain", TestDomainAfterDomain},
		{"SharedInfo", TestSharedInfo},
		{"VCPUInfo", TestVCPUInfo},
		{"VCPUInfoRefused", TestVCPUInfoRefused},
		{"SleepEndsAtAnEvent", TestSleepEndsAtAnEvent},
	} {
		t.Run(tt.name, tt.test)
	}
}
