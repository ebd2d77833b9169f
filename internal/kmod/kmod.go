// Package kmod works out which Linux kernel modules must be inserted, and in
// which order, from the modules themselves: each names those it needs in its
// .modinfo section. (Debian's packages hold no modules.dep: depmod writes it
// when they are installed.)
package kmod

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Module is one kernel module.
type Module struct {
	Name string // as lsmod shows it, with underscores
	Data []byte // the ELF file, decompressed
}

// Tree is the modules of one kernel.
type Tree struct {
	files   map[string]string // name → file
	builtin map[string]bool
}

// Open reads the list of modules below dir, which is lib/modules/VERSION.
func Open(dir string) (*Tree, error) {
	t := &Tree{files: map[string]string{}, builtin: map[string]bool{}}
	list, err := os.ReadFile(filepath.Join(dir, "modules.builtin"))
	if err != nil {
		return nil, fmt.Errorf("kmod: %w", err)
	}
	for line := range strings.Lines(string(list)) {
		t.builtin[moduleName(strings.TrimSpace(line))] = true
	}
	err = filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.Contains(d.Name(), ".ko") {
			t.files[moduleName(file)] = file
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("kmod: %w", err)
	}
	return t, nil
}

// Resolve returns the named modules, each after those that it needs. A name
// that is built into the kernel needs no module.
func (t *Tree) Resolve(names ...string) ([]Module, error) {
	var order []Module
	seen := map[string]bool{}
	var add func(name string) error
	add = func(name string) error {
		name = strings.ReplaceAll(name, "-", "_")
		if seen[name] || t.builtin[name] {
			return nil
		}
		seen[name] = true
		file, ok := t.files[name]
		if !ok {
			return fmt.Errorf("kmod: no module %s", name)
		}
		data, err := readModule(file)
		if err != nil {
			return err
		}
		deps, err := depends(data)
		if err != nil {
			return fmt.Errorf("kmod: %s: %w", file, err)
		}
		for _, dep := range deps {
			if err := add(dep); err != nil {
				return fmt.Errorf("%w, which %s needs", err, name)
			}
		}
		order = append(order, Module{Name: name, Data: data})
		return nil
	}
	for _, name := range names {
		if err := add(name); err != nil {
			return nil, err
		}
	}
	return order, nil
}

func moduleName(file string) string {
	base, _, _ := strings.Cut(filepath.Base(file), ".ko")
	return strings.ReplaceAll(base, "-", "_")
}

func readModule(file string) ([]byte, error) {
	tool := map[string][]string{".xz": {"xz", "-dc"}, ".zst": {"zstd", "-dcq"}, ".gz": {"gzip", "-dc"}}[filepath.Ext(file)]
	if tool == nil {
		return os.ReadFile(file)
	}
	var msg bytes.Buffer
	cmd := exec.Command(tool[0], append(tool[1:], file)...)
	cmd.Stderr = &msg
	data, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("kmod: %s: %w: %s", file, err, bytes.TrimSpace(msg.Bytes()))
	}
	return data, nil
}

// depends returns the names in a module's "depends=" entry.
func depends(module []byte) ([]string, error) {
	f, err := elf.NewFile(bytes.NewReader(module))
	if err != nil {
		return nil, err
	}
	section := f.Section(".modinfo")
	if section == nil {
		return nil, fmt.Errorf("no .modinfo section")
	}
	data, err := section.Data()
	if err != nil {
		return nil, err
	}
	for entry := range strings.SplitSeq(string(data), "\x00") {
		if list, ok := strings.CutPrefix(entry, "depends="); ok && list != "" {
			return strings.Split(list, ","), nil
		}
	}
	return nil, nil
}
