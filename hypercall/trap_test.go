package hypercall

import "testing"

// On a host without Xen the probe must find none and no instruction may be
// tried; user space of a Xen host gets -EPERM or -ENOSYS. Either way a call
// fails and returns.
func TestTrapFromUserSpace(t *testing.T) {
	if got := Trap(OpXenVersion, 0, 0, 0, 0, 0); got >= 0 && !Present() {
		t.Errorf("Trap(xen_version) = %d without Xen, want a negative errno", got)
	}
	if got := (Real{}).Call(OpXenVersion, make([]Arg, 6)...); got != -22 {
		t.Errorf("call with six arguments = %d, want -22", got)
	}
}
