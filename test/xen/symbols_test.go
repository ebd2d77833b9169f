//go:build rig

package xen_test

import (
	"bytes"
	"os"
	"regexp"

	"github.com/rogpeppe/go-internal/testscript"

	"pvboot/internal/xennote"
)

// symtabCmd copies an image of xengo's whose GUEST_OS note becomes one that asks for
// the symbols.
func symtabCmd(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: symtab IMAGE COPY")
	}
	image, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	note := func(t xennote.Type, text string) []byte {
		return append([]byte{4, 0, 0, 0, 7, 0, 0, 0, byte(t), 0, 0, 0}, xennote.Owner+"\x00"+text...)
	}
	before := note(xennote.GuestOS, "pvboot\x00")
	if bytes.Count(image, before) != 1 {
		ts.Fatalf("%s: no GUEST_OS note of pvboot's", args[0])
	}
	image = bytes.Replace(image, before, note(xennote.BSDSymtab, "yes\x00\x00\x00\x00"), 1)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), image, 0o644))
}

// sameLine wants what matches an expression, once in each of two files, to be the
// same.
func sameLine(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: sameline REGEXP FILE FILE")
	}
	re, err := regexp.Compile(args[0])
	ts.Check(err)
	var found [2]string
	for i, file := range args[1:] {
		all := re.FindAllString(ts.ReadFile(file), -1)
		if len(all) != 1 {
			ts.Fatalf("%s: %d times %s", file, len(all), re)
		}
		found[i] = all[0]
	}
	if found[0] != found[1] {
		ts.Fatalf("%q and %q", found[0], found[1])
	}
}
