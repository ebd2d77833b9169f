package main

import (
	"fmt"
	"sort"
	"strings"

	"pvboot/internal/xenelf"
)

// target is what an architecture needs to become a Xen image.
type target struct {
	goarch string
	// env is for the go command, besides GOOS, GOARCH and CGO_ENABLED.
	env []string
	// text is the address of the text; headers lie in the page before it.
	text uint64
	// notes says how Xen starts an image with this entry address.
	notes func(entry uint64) []xenelf.Note
	// qemu runs an image without Xen; nil where that cannot be done.
	qemu func(image, ramdisk, cmdLine string, mebibytes int) []string
}

// targets by GOARCH; another architecture is one more file like
// target_x86.go.
var targets = map[string]*target{
	"amd64": &amd64Target,
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
