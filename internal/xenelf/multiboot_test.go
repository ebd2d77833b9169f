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

	"pvboot/internal/xennote"
)

// finished is a linked program with notes.
func finished(t *testing.T, symbols bool) (image []byte, entry uint64) {
	t.Helper()
	image, err := Finish(link(t, "-w -buildid= -T 0x201000 -R 0x1000"), symbols, func(at uint64) []xennote.Note {
		entry = at
		return entryNote(at)
	})
	if err != nil {
		t.Fatal(err)
	}
	return image, entry
}

func TestAddMultiboot2(t *testing.T) {
	for _, symbols := range []bool{false, true} {
		image, entry := finished(t, symbols)
		out, err := AddMultiboot2(image, entry)
		if err != nil {
			t.Fatal(err)
		}
		checkGRUB(t, out)
		checkLoad(t, out, entry)
		f, err := elf.NewFile(bytes.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		before, err := elf.NewFile(bytes.NewReader(image))
		if err != nil {
			t.Fatal(err)
		}
		if len(out) != len(image) || f.Entry != before.Entry || len(f.Progs) != len(before.Progs) {
			t.Errorf("symbols %v: the ELF file has changed", symbols)
		}
	}
}

// checkGRUB asks GRUB itself.
func checkGRUB(t *testing.T, image []byte) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(file, image, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("grub-file", "--is-x86-multiboot2", file).CombinedOutput(); err != nil {
		t.Errorf("grub-file --is-x86-multiboot2 (of Debian's grub-common): %v %s", err, out)
	}
	if err := exec.Command("grub-file", "--is-x86-multiboot", file).Run(); err == nil {
		t.Error("there is a Multiboot 1 header, which QEMU prefers to PVH")
	}
}

// checkLoad loads the image by the addresses in its header, and compares with
// its ELF segments.
func checkLoad(t *testing.T, image []byte, entry uint64) {
	t.Helper()
	le := binary.LittleEndian
	at := bytes.Index(image[:headerRoom], le.AppendUint32(nil, mb2Magic))
	if at < 0 || at%mb2Align != 0 {
		t.Fatalf("header at %d", at)
	}
	var h mb2Header
	if _, err := binary.Decode(image[at:], le, &h); err != nil {
		t.Fatal(err)
	}
	if h.Magic+h.Architecture+h.Length+h.Checksum != 0 || int(h.Length) != binary.Size(h) {
		t.Errorf("header %+v", h)
	}
	if uint64(h.Entry.EntryAddr) != entry {
		t.Errorf("enters %#x, want %#x", h.Entry.EntryAddr, entry)
	}
	first := at - int(h.Address.HeaderAddr-h.Address.Load)
	if first != 0 {
		t.Fatalf("loads from offset %d", first)
	}
	memory := make([]byte, h.Address.BSSEnd-h.Address.Load)
	copy(memory, image[:h.Address.LoadEnd-h.Address.Load])
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD {
			continue
		}
		want := make([]byte, p.Memsz)
		if _, err := p.ReadAt(want[:p.Filesz], 0); err != nil {
			t.Fatal(err)
		}
		at := p.Paddr - uint64(h.Address.Load)
		if at+p.Memsz > uint64(len(memory)) || !bytes.Equal(memory[at:at+p.Memsz], want) {
			t.Errorf("segment at %#x is not loaded rightly", p.Paddr)
		}
	}
}

func TestAddMultiboot2Refuses(t *testing.T) {
	image, entry := finished(t, false)
	// program is where the program header i begins.
	program := func(i int) int { return ehdrSize + i*phdrSize }
	const paddr, filesz, memsz = 24, 32, 40
	for _, test := range []struct {
		name  string
		entry uint64
		edit  func(b []byte)
		want  string
	}{
		{"no ELF", entry, func(b []byte) { b[0] = 0 }, "bad magic"},
		{"big-endian", entry, func(b []byte) { b[5] = byte(elf.ELFDATA2MSB) }, "xenelf:"},
		{"entry outside", entry + 1<<30, func([]byte) {}, "no image for 32-bit code"},
		{"entry before", 0x1000, func([]byte) {}, "no image for 32-bit code"},
		{"beyond 4 GiB", entry, func(b []byte) { binary.LittleEndian.PutUint64(b[program(2)+memsz:], 1<<32) }, "no image for 32-bit code"},
		{"moved segment", entry, func(b []byte) { b[program(1)+paddr+2]++ }, "does not lie in the file as in memory"},
		{"overlap", entry, func(b []byte) { binary.LittleEndian.PutUint64(b[program(0)+memsz:], 1<<28) }, "does not lie in the file as in memory"},
		{"no room", entry, func(b []byte) { binary.LittleEndian.PutUint64(b[program(3)+filesz:], headerRoom) }, "does not fit"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := bytes.Clone(image)
			test.edit(b)
			if _, err := AddMultiboot2(b, test.entry); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("AddMultiboot2: %v, want %q", err, test.want)
			}
		})
	}
}
