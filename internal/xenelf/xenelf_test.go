package xenelf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/internal/xennote"
)

// link builds a small program the way xengo links one.
func link(t *testing.T, ldflags string) []byte {
	t.Helper()
	dir := t.TempDir()
	main := filepath.Join(dir, "main.go")
	if err := os.WriteFile(main, []byte("package main\n\nfunc main() {}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	cmd := exec.Command("go", "build", "-o", out, "-ldflags="+ldflags, main)
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, text)
	}
	image, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func entryNote(entry uint64) []xennote.Note {
	return []xennote.Note{{Type: xennote.GuestOS, Text: "pvboot"}, {Type: xennote.Phys32Entry, Number: entry}}
}

func TestFinish(t *testing.T) {
	linked := link(t, "-w -buildid= -T 0x201000 -R 0x1000")
	before, err := elf.NewFile(bytes.NewReader(linked))
	if err != nil {
		t.Fatal(err)
	}
	for _, symbols := range []bool{false, true} {
		image, err := Finish(linked, symbols, entryNote)
		if err != nil {
			t.Fatal(err)
		}
		f, err := elf.NewFile(bytes.NewReader(image))
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Section(".symtab") != nil; got != symbols {
			t.Errorf("symbols %v: has a symbol table: %v", symbols, got)
		}
		checkSegments(t, before, f)
	}
}

// checkSegments compares what is loaded, and looks at what Xen looks at.
func checkSegments(t *testing.T, before, after *elf.File) {
	t.Helper()
	var loads []*elf.Prog
	for _, p := range before.Progs {
		if p.Type == elf.PT_LOAD {
			loads = append(loads, p)
		}
	}
	if len(after.Progs) != len(loads)+1 {
		t.Fatalf("%d program headers, want %d", len(after.Progs), len(loads)+1)
	}
	for i, p := range loads {
		got := after.Progs[i]
		if got.Vaddr != p.Vaddr || got.Paddr != p.Vaddr || got.Filesz != p.Filesz || got.Memsz != p.Memsz {
			t.Errorf("segment %d is %+v, was %+v", i, got.ProgHeader, p.ProgHeader)
		}
		skip := int64(0)
		if i == 0 {
			skip = headerRoom
		}
		a, b := make([]byte, p.Filesz), make([]byte, p.Filesz)
		if _, err := p.ReadAt(a[skip:], skip); err != nil {
			t.Error(err)
		}
		if _, err := got.ReadAt(b[skip:], skip); err != nil {
			t.Error(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("segment %d has changed", i)
		}
	}
	if last := after.Progs[len(loads)-1]; last.Memsz <= last.Filesz {
		t.Errorf("the last segment has no bss: %+v", last.ProgHeader)
	}
	note := after.Progs[len(loads)]
	text := make([]byte, note.Filesz)
	if _, err := note.ReadAt(text, 0); err != nil || note.Type != elf.PT_NOTE {
		t.Fatalf("%v: %v", note.Type, err)
	}
	got, err := xennote.Decode(binary.LittleEndian, text)
	if diff := cmp.Diff(entryNote(after.Entry), got); err != nil || diff != "" {
		t.Errorf("notes: %v %s", err, diff)
	}
}

func TestFinishRefuses(t *testing.T) {
	linked := link(t, "-w -buildid= -T 0x201000 -R 0x1000")
	for _, test := range []struct {
		name  string
		image []byte
		notes []xennote.Note
		want  string
	}{
		{"no ELF", bytes.Repeat([]byte("#!/bin/sh\n"), 10), nil, "bad magic"},
		{"cut off", linked[:200], nil, "xenelf:"},
		{"position independent", func() []byte {
			b := bytes.Clone(linked)
			b[16] = byte(elf.ET_DYN)
			return b
		}(), nil, "want a static 64-bit executable"},
		{"too many notes", linked, []xennote.Note{{Type: xennote.GuestOS, Text: strings.Repeat("x", headerRoom)}}, "do not fit"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Finish(test.image, false, func(uint64) []xennote.Note { return test.notes })
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Finish: %v, want %q", err, test.want)
			}
		})
	}
}
