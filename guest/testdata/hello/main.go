// Hello is the smallest guest.
package main

import (
	"fmt"
	"os"

	_ "pvboot/guest"
)

func main() {
	fmt.Println("hello from a Xen guest", os.Args[1:])
}
