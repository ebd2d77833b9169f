package vmlinux

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"pvboot/internal/compress"
)

// Each spoilt kernel is still a bzImage, or is none by its length only, and
// has exactly the fault that its name says.
func TestSpoil(t *testing.T) {
	format, _ := compress.Named("zstd")
	packed, err := format.Pack(kernel)
	if err != nil {
		t.Fatal(err)
	}
	stock := bzImage(4, withSize(packed, len(kernel)))
	size := func(bz []byte) int {
		payload, _, err := Payload(bz)
		if err != nil {
			t.Fatal(err)
		}
		_, n := cutSize(payload)
		return n
	}
	spoil := func(how string) []byte {
		t.Helper()
		bz, err := Spoil(stock, how)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(bz, stock) {
			t.Errorf("%s: nothing is spoilt", how)
		}
		return bz
	}
	for _, how := range []string{"truncated", "flipped"} {
		if _, err := Extract(spoil(how)); err == nil || !strings.Contains(err.Error(), "zstd payload") {
			t.Errorf("%s: %v", how, err)
		}
		if got := size(spoil(how)); how == "truncated" && got != len(kernel) {
			t.Errorf("%s: says %d bytes, want %d", how, got, len(kernel))
		}
	}
	if _, _, err := Payload(spoil("cut")); err == nil || !strings.Contains(err.Error(), "ends outside the file") {
		t.Errorf("cut: %v", err)
	}
	for how, by := range map[string]int{"longer": 1 << 20, "shorter": -1 << 20} {
		want := int(uint32(len(kernel) + by))
		if got := size(spoil(how)); got != want {
			t.Errorf("%s: says %d bytes, want %d", how, got, want)
		}
		if got, err := Extract(spoil(how)); err != nil || !bytes.Equal(got, kernel) {
			t.Errorf("%s: %v", how, err)
		}
	}
	if _, err := Spoil(stock, "rot13"); err == nil {
		t.Error("an unknown way: no error")
	}
	if _, err := Spoil(bzImage(4, kernel), "bomb"); err == nil {
		t.Error("a kernel that is not compressed: no error")
	}
	if _, err := Spoil(nil, "bomb"); !errors.Is(err, ErrNotBzImage) {
		t.Errorf("nothing: %v", err)
	}
}

// Bombs are small, start with the kernel, and say more or less what they are.
func TestBomb(t *testing.T) {
	stock := bzImage(4, gzipped(t, string(kernel)))
	honest, err := Spoil(stock, "huge")
	if err != nil {
		t.Fatal(err)
	}
	lying, err := Spoil(stock, "bomb")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		bz   []byte
		size int
	}{"huge": {honest, len(kernel) + bombSize}, "bomb": {lying, len(kernel)}} {
		payload, codec, err := Payload(c.bz)
		if err != nil || codec != "zstd" || len(payload) > 1<<20 {
			t.Errorf("%s: %d bytes of %s, %v", name, len(payload), codec, err)
		}
		if _, size := cutSize(payload); size != c.size {
			t.Errorf("%s: says %d bytes, want %d", name, size, c.size)
		}
	}
}

// zstd itself unpacks what appendZeros makes.
func TestAppendZeros(t *testing.T) {
	format, _ := compress.Named("zstd")
	frame, err := format.Pack(kernel)
	if err != nil {
		t.Fatal(err)
	}
	const more = 3 * zstdBlockSize
	frame, err = appendZeros(frame, more)
	if err != nil {
		t.Fatal(err)
	}
	got, err := format.Unpack(frame)
	if err != nil || !bytes.Equal(got, append(slices.Clone(kernel), make([]byte, more)...)) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	for n := range len(frame) - 4*more/zstdBlockSize {
		if _, err := appendZeros(slices.Clone(frame[:n]), more); err == nil {
			t.Errorf("%d bytes of a frame: no error", n)
		}
	}
}

// The 32-bit kernel is one, by Go's reader.
func TestELF32(t *testing.T) {
	bz, err := Spoil(bzImage(4, gzipped(t, string(kernel))), "elf32")
	if err != nil {
		t.Fatal(err)
	}
	payload, codec, err := Payload(bz)
	if err != nil || codec != none {
		t.Fatalf("codec %q, %v", codec, err)
	}
	f, err := elf.NewFile(bytes.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	if f.Class != elf.ELFCLASS32 || f.Machine != elf.EM_386 || f.Entry != 0xc0100000 {
		t.Errorf("%v", f.FileHeader)
	}
	kinds := []uint32{}
	for _, p := range f.Progs {
		data, err := io.ReadAll(p.Open())
		if err != nil || uint64(len(data)) != p.Filesz {
			t.Errorf("segment of %d bytes has %d, %v", p.Filesz, len(data), err)
		}
		for p.Type == elf.PT_NOTE && len(data) >= 16 {
			le := binary.LittleEndian
			kinds = append(kinds, le.Uint32(data[8:]))
			data = data[16+(le.Uint32(data[4:])+3)&^3:]
		}
	}
	if want := []uint32{noteEntry, noteVirtBase, noteXenVersion, noteGuestOS, noteLoader, notePAEMode}; !slices.Equal(kinds, want) {
		t.Errorf("notes %v, want %v", kinds, want)
	}
}
