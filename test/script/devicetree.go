package script

import (
	"encoding/base64"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"pvboot/internal/fdt"
)

// treeInLog is how a test disk's init prints the kernel's device tree for
// rig.fdt on the command line.
var treeInLog = regexp.MustCompile(`(?s)PVBOOT-FDT-BEGIN\s+(.*?)PVBOOT-FDT-END`)

// readTree takes the device tree out of a domain's console output.
func readTree(ts *testscript.TestScript, file string) []byte {
	m := treeInLog.FindStringSubmatch(ts.ReadFile(file))
	if m == nil {
		ts.Fatalf("%s: no device tree", file)
	}
	tree, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(m[1]), ""))
	ts.Check(err)
	return tree
}

// SameTree wants the device trees in two logs to be equal, but for what a boot
// loader writes into /chosen.
func SameTree(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: sametree LOG LOG")
	}
	var nodes [2][]string
	for i, file := range args {
		tree, ok := fdt.Open(readTree(ts, file))
		if !ok {
			ts.Fatalf("%s: not a device tree", file)
		}
		nodes[i] = listTree(tree)
	}
	if diff := cmp.Diff(nodes[0], nodes[1]); neg != (diff != "") {
		ts.Fatalf("device trees as seen by the kernel:\n%s", diff)
	}
}

// listTree is a tree as lines, one a reservation, node or property.
func listTree(tree fdt.Tree) (lines []string) {
	for i := 0; ; i++ {
		addr, size, ok := tree.Reserved(i)
		if !ok {
			break
		}
		lines = append(lines, fmt.Sprintf("reserved %#x %#x", addr, size))
	}
	var walk func(n fdt.Node, path string)
	walk = func(n fdt.Node, path string) {
		path += string(n.Name()) + "/"
		lines = append(lines, path)
		for p, ok := n.Property(); ok; p, ok = p.Next() {
			name := path + string(p.Name())
			switch name {
			case "/chosen/bootargs", "/chosen/linux,initrd-start", "/chosen/linux,initrd-end":
				continue
			}
			lines = append(lines, fmt.Sprintf("%s = %x", name, p.Value()))
		}
		for c, ok := n.Child(); ok; c, ok = c.Next() {
			walk(c, path)
		}
	}
	if root, ok := tree.Root(); ok {
		walk(root, "")
	}
	return lines
}

// EditTree writes the device tree of a log to a file, with one more string
// in its root.
func EditTree(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 4 {
		ts.Fatalf("usage: edittree LOG FILE PROPERTY VALUE")
	}
	doc, err := fdt.Unpack(readTree(ts, args[0]))
	ts.Check(err)
	ts.Check(doc.SetString("/", args[2], args[3]))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), doc.Pack(), 0o644))
}
