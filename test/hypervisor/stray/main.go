// Command stray is a guest that touches what is not its own, for the test
// hypervisor to tell of it: by its command line, "load", "store" or "execute",
// at an address that is neither RAM nor a device.
package main

import (
	"fmt"

	"pvboot/guest"
)

// nowhere is an address at which no machine has anything for its guests, below the
// grant table's.
const nowhere = 0x37fff000

func main() {
	what := guest.Start().CmdLine
	fmt.Println("stray:", what)
	touch(what)
	fmt.Println("stray: nobody minds")
}
