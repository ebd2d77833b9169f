// Command example is a Xen guest in Go: it says who it is and powers off.
package main

import (
	"fmt"
	"os"

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
	guest.SetConsole(con.Raw())
	store, err := domain.Store()
	if err != nil {
		panic(err)
	}
	name, err := store.Read("name")
	fmt.Println("hello from domain", name, "on Xen", domain.Version(), err)
	if err := domain.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
