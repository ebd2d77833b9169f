// Command example is a Xen guest in Go: it says where it runs and powers off.
package main

import (
	"fmt"

	"pvboot/console"
	"pvboot/guest"
	"pvboot/xen"
)

func main() {
	domain, err := xen.New(guest.Platform())
	if err != nil {
		panic(err)
	}
	con, err := console.Open(domain)
	if err != nil {
		panic(err)
	}
	defer con.Close()
	guest.SetConsole(con.Raw())
	fmt.Println("hello from Go on Xen", domain.Version())
}
