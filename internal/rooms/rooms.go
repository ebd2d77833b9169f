// Package rooms knows who may import whom among this project's packages, as
// docs/architecture.md lays it out, and finds the imports that break it. Its
// test asks go list, for every architecture that has files of its own.
package rooms

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Module is this project's import path.
const Module = "pvboot"

// Package is what go list -json says of a package, as far as it matters.
type Package struct {
	ImportPath   string
	Deps         []string // all imports, also of imports, without tests'
	TestImports  []string
	XTestImports []string
}

// Rule says what the packages of some rooms must not import. Rooms are paths
// below the module; a room stands for itself and all below it.
type Rule struct {
	From   []string // the rooms that the rule is for; empty: all
	Except []string // rooms that it is not for
	Never  []string
	Allow  []string // rooms within Never that may be imported
	Tests  bool     // for what tests import, too
}

// Rules are the project's.
var Rules = []Rule{
	{From: []string{"hypercall"}, Tests: true,
		Never: []string{"xen", "console", "blkfront", "loader", "guest", "arch", "cmd"}},
	{From: []string{"xen"}, Never: []string{"loader", "guest", "arch", "cmd"}},
	{From: []string{"xen"}, Except: []string{"xen/xentest"},
		Never: []string{"console", "blkfront", "xen/xentest"}},
	// The test machine's backends share the ring protocols with the frontends.
	{From: []string{"xen/xentest"}, Never: []string{"console", "blkfront"},
		Allow: []string{"console/xencons", "blkfront/blkif"}},
	{From: []string{"console", "blkfront"},
		Never: []string{"loader", "guest", "arch", "cmd", "xen/xentest"}},
	{From: []string{"console"}, Never: []string{"blkfront"}},
	{From: []string{"blkfront"}, Never: []string{"console"}},
	{From: []string{"serial", "memdisk"}, Tests: true,
		Never: []string{"hypercall", "xen", "console", "blkfront", "loader", "guest", "arch", "cmd"}},
	{From: []string{"serial"}, Never: []string{"memdisk"}},
	{From: []string{"memdisk"}, Never: []string{"serial"}},
	{From: []string{"loader"}, Tests: true,
		Never: []string{"hypercall", "xen", "console", "blkfront", "serial", "memdisk", "guest", "arch", "cmd"}},
	{From: []string{"arch"},
		Never: []string{"xen", "console", "blkfront", "guest", "cmd"}},
	// Examples are programs, like those below cmd.
	{From: []string{"guest"}, Except: []string{"guest/example"}, Never: []string{"console", "blkfront", "serial", "memdisk", "cmd", "xen/xentest"}},
	{From: []string{"internal"}, Never: []string{"xen", "console", "blkfront", "serial", "memdisk", "guest", "arch", "cmd"}},
}

// Parse reads what go list -json wrote: one object after the other.
func Parse(r io.Reader) ([]Package, error) {
	var pkgs []Package
	for dec := json.NewDecoder(r); ; {
		var p Package
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return pkgs, nil
		}
		if err != nil {
			return nil, fmt.Errorf("rooms: go list: %w", err)
		}
		pkgs = append(pkgs, p)
	}
}

// Check returns the imports that break a rule, each as one line.
func Check(rules []Rule, pkgs []Package) []string {
	var bad []string
	for _, p := range pkgs {
		for _, r := range rules {
			if !in(p.ImportPath, r.From) || in(p.ImportPath, r.Except) {
				continue
			}
			imports := p.Deps
			if r.Tests {
				imports = slices.Concat(imports, p.TestImports, p.XTestImports)
			}
			for _, i := range imports {
				if in(i, r.Never) && !in(i, r.Allow) && i != p.ImportPath {
					bad = append(bad, fmt.Sprintf("%s imports %s", p.ImportPath, i))
				}
			}
		}
	}
	slices.Sort(bad)
	return slices.Compact(bad)
}

// in tells whether a package stands in one of rooms.
func in(path string, rooms []string) bool {
	for _, r := range rooms {
		if room := Module + "/" + r; path == room || strings.HasPrefix(path, room+"/") {
			return true
		}
	}
	return false
}
