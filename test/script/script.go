// Package script has commands for testscript that judge what a rig's run printed,
// and spoil its disks.
package script

import (
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"pvboot/internal/kernellog"
)

// SameRAM wants two logs of a test disk's init to show the same System RAM,
// and a MemTotal that differs by less than 1 MiB.
func SameRAM(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: sameram LOG LOG")
	}
	diff, err := kernellog.SameRAM(ts.ReadFile(args[0]), ts.ReadFile(args[1]))
	ts.Check(err)
	if neg != (diff != "") {
		ts.Fatalf("memory as seen by the kernel:\n%s", diff)
	}
}

// Corrupt overwrites every occurrence of a text in a file by another of the
// same length.
func Corrupt(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 || len(args[1]) != len(args[2]) {
		ts.Fatalf("usage: corrupt FILE OLD NEW, both of one length")
	}
	file := ts.MkAbs(args[0])
	data, err := os.ReadFile(file)
	ts.Check(err)
	changed := strings.ReplaceAll(string(data), args[1], args[2])
	if changed == string(data) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(file, []byte(changed), 0o644))
}

// Truncate cuts a file off after a number of bytes.
func Truncate(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: truncate FILE BYTES")
	}
	size, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	file := ts.MkAbs(args[0])
	info, err := os.Stat(file)
	ts.Check(err)
	if size >= info.Size() {
		ts.Fatalf("%s has %d bytes, not more than %d", args[0], info.Size(), size)
	}
	ts.Check(os.Truncate(file, size))
}
