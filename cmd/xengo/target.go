package main

import (
	"fmt"
	"sort"
	"strings"
)

// target is what an architecture needs to become a Xen image, and to run
// without Xen.
type target struct {
	goarch string
	// env is for the go command, besides GOOS, GOARCH and CGO_ENABLED.
	env []string
	// text is the address of the text; headers lie in the page before it.
	text uint64
	// suffix ends the default name of an image.
	suffix string
	// finish makes an image of what the linker wrote; symbols, where they are
	// not part of it, are a file to go beside it, with ".elf" at its name's end.
	finish func(linked []byte, symbols bool) (image, beside []byte, err error)
	// finished reports whether a file's contents are an image already.
	finished func(file []byte) bool

	// qemu begins the command line that runs an image without Xen: QEMU's
	// name, the machine, what the program writes by to the chardev "out", and
	// what it ends QEMU by.
	qemu func() []string
	// qemuPackage is Debian's and Ubuntu's package with that QEMU.
	qemuPackage string
	// written says that qemu has a device for the chardev "status", by which the
	// program tells its exit status where QEMU's cannot be chosen.
	written bool
	// status finds the program's exit status in QEMU's or in what was written; not
	// ok means that QEMU ended for a reason of its own.
	status func(qemu int, written []byte) (code int, ok bool)
}

// targets by GOARCH; another architecture is one more file like
// target_x86.go.
var targets = map[string]*target{
	"amd64":   &amd64Target,
	"arm64":   &arm64Target,
	"ppc64":   &ppc64Target,
	"ppc64le": &ppc64leTarget,
	"riscv64": &riscv64Target,
}

func findTarget(goarch string) (*target, error) {
	if t, ok := targets[goarch]; ok {
		return t, nil
	}
	var known []string
	for name := range targets {
		known = append(known, name)
	}
	sort.Strings(known)
	return nil, fmt.Errorf("-arch %s: not supported (known: %s)", goarch, strings.Join(known, ", "))
}
