package main

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"pvboot/guest"
)

// touch maps the address in the guest's own tables, which know nothing of the
// hypervisor's, and uses it.
func touch(what string) {
	b, err := guest.Platform().MapGFN(nowhere>>12, 1)
	if err != nil {
		fmt.Println("stray:", err)
		os.Exit(1)
	}
	word := (*uint32)(unsafe.Pointer(unsafe.SliceData(b)))
	switch what {
	case "load":
		fmt.Println("stray:", atomic.LoadUint32(word))
	case "store":
		b[0] = 1
	case "execute":
		code := &word // a function value is a pointer to its code's address
		(*(*func())(unsafe.Pointer(&code)))()
	}
}
