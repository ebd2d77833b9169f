// Package overlay makes, from the user's own GOROOT, the changed copies of
// standard library files that let stock Go run with no operating system, and
// the JSON file that `go build -overlay` takes.
//
// Each change is a regular expression with the number of times it must match:
// a Go version whose sources differ is refused with the name of the pattern
// that failed, instead of being built wrong. The changes for one architecture
// are one table (amd64.go); those for all are in common.go.
package overlay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

// Edit replaces Pattern, a regular expression in multi-line mode, by Replace
// in a file of GOROOT/src. It must match Count times.
type Edit struct {
	File    string // relative to GOROOT/src, with slashes
	Pattern string
	Replace string // as regexp.Expand takes it
	Count   int
}

// MismatchError is a Go version that this package does not know.
type MismatchError struct {
	Version string // of Go, such as "go1.26.8"
	Edit    Edit
	Got     int // matches
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("overlay: %s is not supported: %s: pattern %q found %d times, want %d",
		e.Version, e.Edit.File, e.Edit.Pattern, e.Got, e.Edit.Count)
}

// ErrArch means an architecture without a table.
var ErrArch = errors.New("no overlay for this architecture")

// tables holds the edits of each GOARCH.
var tables = map[string][]Edit{
	"amd64":   amd64,
	"arm64":   arm64,
	"ppc64":   ppc64,
	"ppc64le": ppc64le,
	"riscv64": riscv64,
}

// Edits returns all edits for an architecture.
func Edits(goarch string) ([]Edit, error) {
	table, ok := tables[goarch]
	if !ok {
		known := make([]string, 0, len(tables))
		for name := range tables {
			known = append(known, name)
		}
		sort.Strings(known)
		return nil, fmt.Errorf("overlay: %s: %w (known: %s)", goarch, ErrArch, strings.Join(known, ", "))
	}
	return append(append([]Edit(nil), common...), table...), nil
}

// Apply returns the changed files of goroot by their path below GOROOT/src.
func Apply(goroot, version string, edits []Edit) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, e := range edits {
		text, ok := files[e.File]
		if !ok {
			var err error
			text, err = os.ReadFile(filepath.Join(goroot, "src", filepath.FromSlash(e.File)))
			if errors.Is(err, os.ErrNotExist) {
				return nil, &MismatchError{version, e, 0}
			}
			if err != nil {
				return nil, fmt.Errorf("overlay: %w", err)
			}
		}
		pattern, err := regexp.Compile("(?m)" + e.Pattern)
		if err != nil {
			return nil, fmt.Errorf("overlay: %s: %w", e.File, err)
		}
		if got := len(pattern.FindAllIndex(text, -1)); got != e.Count {
			return nil, &MismatchError{version, e, got}
		}
		files[e.File] = pattern.ReplaceAll(text, []byte(e.Replace))
	}
	return files, nil
}

// Write stores the changed files below dir and extra ones besides, and returns
// the name of the JSON file. extra maps full paths, such as those of test
// files that do not exist, to contents. A file that is there with the same
// contents is left alone, so that go's build cache holds.
func Write(dir, goroot string, files, extra map[string][]byte) (string, error) {
	replace := map[string]string{}
	for name, text := range files {
		copied := filepath.Join(dir, "src", filepath.FromSlash(name))
		if err := writeFile(copied, text); err != nil {
			return "", err
		}
		replace[filepath.Join(goroot, "src", filepath.FromSlash(name))] = copied
	}
	for name, text := range extra {
		copied := filepath.Join(dir, "extra", strings.TrimPrefix(filepath.ToSlash(name), "/"))
		if err := writeFile(copied, text); err != nil {
			return "", err
		}
		replace[name] = copied
	}
	list, err := json.MarshalIndent(map[string]any{"Replace": replace}, "", "\t")
	if err != nil {
		return "", fmt.Errorf("overlay: %w", err)
	}
	f, err := os.CreateTemp(dir, "overlay-*.json")
	if err != nil {
		return "", fmt.Errorf("overlay: %w", err)
	}
	if _, err := f.Write(append(list, '\n')); err != nil {
		f.Close()
		return "", fmt.Errorf("overlay: %w", err)
	}
	return f.Name(), f.Close()
}

// writeFile writes by renaming, so that two builds at once see whole files.
func writeFile(name string, text []byte) error {
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, text) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("overlay: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return fmt.Errorf("overlay: %w", err)
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(text); err != nil {
		f.Close()
		return fmt.Errorf("overlay: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("overlay: %w", err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return fmt.Errorf("overlay: %w", err)
	}
	return nil
}
