// Fault ends in the way its argument says.
package main

import (
	"fmt"
	"io"
	"os"

	_ "pvboot/guest"
)

var p *int

func main() {
	fmt.Println("begin", os.Args[1:])
	switch os.Args[1] {
	case "nil":
		fmt.Println(*p)
	case "recover":
		func() {
			defer func() { fmt.Println("recovered:", recover()) }()
			fmt.Println(*p)
		}()
	case "deadlock":
		select {}
	case "memory":
		var all [][]byte
		for {
			all = append(all, make([]byte, 1<<20))
			fmt.Fprint(io.Discard, len(all))
		}
	case "stack":
		var f func(n int) int
		f = func(n int) int { return f(n+1) + n }
		fmt.Println(f(0))
	case "exit":
		os.Exit(7)
	}
}
