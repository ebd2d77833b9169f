//go:build pvboot_leak

package main

import (
	"fmt"
	"os"

	"pvboot/guest"
	"pvboot/xen"
)

// A loader built with this tag leaves a grant and a port behind on purpose:
// the control that shows that the check before the jump can fail.
func init() {
	leak = func(d *xen.Domain) {
		frame, err := guest.Platform().AllocFrames(1)
		if err != nil {
			fmt.Fprintln(os.Stderr, "leak:", err)
			return
		}
		if grants, err := d.GrantPages(0, frame, true); err == nil {
			d.Unregister(grants)
		}
		if port, err := d.AllocUnbound(0); err == nil {
			d.Unregister(port)
		}
	}
}
