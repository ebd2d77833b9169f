package main

import (
	"os"
	"strings"
	"testing"
)

// The README shows this program as it is, so that what people copy is what
// the tests build and boot (test/xen/testdata/controls.txtar).
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, program, _ := strings.Cut(string(source), "\n")
	if !strings.Contains(string(readme), "```go\n"+program+"```\n") {
		t.Error("README.md does not show guest/example/main.go without its first line")
	}
}
