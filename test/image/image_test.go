//go:build rig

// Package image_test plans and loads Debian's own kernels, which are too large
// for the tests that run everywhere. The tag is that of the tests on real Xen,
// whose kernels these are.
package image_test

import (
	"bytes"
	"context"
	"debug/elf"
	"io"
	"os"
	"testing"

	"pvboot/internal/cache"
	"pvboot/internal/deb"
	"pvboot/internal/testdisk"
	"pvboot/internal/vmlinux"
	"pvboot/loader/image"
)

// ram is that of the domain, in bytes.
const ram = 512 << 20

// kernelMemory is the memory that a Linux wants to find, by Go's own reader of
// ELF files.
func kernelMemory(t *testing.T, file []byte) (memory []byte, entry uint64) {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	memory = make([]byte, ram)
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD {
			if _, err := io.ReadFull(p.Open(), memory[p.Paddr:p.Paddr+p.Filesz]); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, s := range f.Sections {
		if s.Name != ".notes" {
			continue
		}
		notes, err := s.Data()
		if err != nil {
			t.Fatal(err)
		}
		// Xen's note of type 1, ENTRY, has eight bytes.
		at := bytes.Index(notes, []byte("\x04\x00\x00\x00\x08\x00\x00\x00\x01\x00\x00\x00Xen\x00"))
		entry = f.ByteOrder.Uint64(notes[at+16:])
	}
	return memory, entry
}

// TestPVKernels loads the kernel of each release in each compression.
func TestPVKernels(t *testing.T) {
	keep, err := cache.Find()
	if err != nil {
		t.Fatal(err)
	}
	for _, release := range []string{"bookworm", "trixie"} {
		kernel, err := (&deb.Suite{Cache: keep, Name: release, Arch: "amd64", Progress: os.Stderr}).Kernel(context.Background(), deb.KernelPackage("amd64"))
		if err != nil {
			t.Fatal(err)
		}
		stock, err := os.ReadFile(kernel.Image)
		if err != nil {
			t.Fatal(err)
		}
		file, err := vmlinux.Extract(stock)
		if err != nil {
			t.Fatal(err)
		}
		want, entry := kernelMemory(t, file)
		for _, codec := range testdisk.Codecs("amd64") {
			t.Run(release+" "+codec, func(t *testing.T) {
				packed, err := testdisk.PackKernel(keep, "amd64", codec, stock)
				if err != nil {
					t.Fatal(err)
				}
				check(t, packed, want, entry)
			})
		}
		t.Run(release+" vmlinux", func(t *testing.T) { check(t, file, want, entry) })
	}
}

// check plans and loads a kernel, and has the plan finished.
func check(t *testing.T, kernel, want []byte, entry uint64) {
	t.Helper()
	plan, err := image.Build(image.Request{
		Name: "/vmlinuz", Kernel: bytes.NewReader(kernel), CmdLine: "quiet",
		Initrd: []image.File{{Name: "/initrd", Data: bytes.NewReader(make([]byte, 5000))}},
		Machine: image.Machine{
			Arch: "amd64", Memory: []image.Range{{Size: ram, Type: image.RAM}},
			PV: &image.PVMachine{Magic: "xen-3.0-x86_64", Pages: ram / 4096},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	domain := make([]byte, ram)
	for _, s := range plan.Segments {
		if s.Data == nil || s.Name != "kernel" {
			continue
		}
		at := domain[s.Addr : s.Addr+s.Size]
		for i := range at {
			at[i] = 0xee
		}
		if n, err := s.Data.ReadAt(at[:s.Data.Size()], 0); n < int(s.Data.Size()) {
			t.Fatal(err)
		}
		if !bytes.Equal(at, want[s.Addr:s.Addr+s.Size]) {
			t.Error("the kernel's memory differs")
		}
	}
	if plan.Entry.PC != entry {
		t.Errorf("entry %#x, want %#x", plan.Entry.PC, entry)
	}
	page := func(addr uint64) []byte { return domain[addr : addr+4096] }
	if err := plan.PV.Finish(func(pfn uint64) uint64 { return pfn + 1<<20 }, page); err != nil {
		t.Error(err)
	}
	t.Logf("%s: entry %#x, mapped %#x", plan.Kind, plan.Entry.PC, plan.PV.Mapped.End())
}
