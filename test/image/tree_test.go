//go:build rig

package image_test

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"io"
	"os"
	"testing"

	"pvboot/internal/cache"
	"pvboot/internal/deb"
	"pvboot/internal/fdt"
	"pvboot/internal/testdisk"
	"pvboot/loader/image"
)

// treeMachine is a machine with a device tree.
type treeMachine struct {
	arch   string
	suite  string
	ram    uint64 // where RAM begins
	memory func(t *testing.T, kernel []byte) []byte
	tree   string // the register that has the device tree
	pc     uint64 // where the kernel begins, and its entry is
}

var treeMachines = []treeMachine{
	{"riscv64", "trixie", 2 << 30, func(_ *testing.T, kernel []byte) []byte { return kernel }, "a1", 2<<30 + 2<<20},
	{"ppc64le", "bookworm", 0, elfMemory, "r3", 0},
}

// elfMemory is what a vmlinux is in memory, by Go's own reader of ELF files.
func elfMemory(t *testing.T, kernel []byte) (memory []byte) {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(kernel))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD {
			continue
		}
		if end := p.Paddr + p.Memsz; end > uint64(len(memory)) {
			memory = append(memory, make([]byte, end-uint64(len(memory)))...)
		}
		if _, err := io.ReadFull(p.Open(), memory[p.Paddr:p.Paddr+p.Filesz]); err != nil {
			t.Fatal(err)
		}
	}
	return memory
}

// TestTreeKernels loads Debian's kernel as it is, and in each compression.
func TestTreeKernels(t *testing.T) {
	keep, err := cache.Find()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range treeMachines {
		suite := &deb.Suite{Cache: keep, Name: m.suite, Arch: deb.Arch(m.arch), Progress: os.Stderr, MainOnly: true}
		kernel, err := suite.Kernel(context.Background(), deb.KernelPackage(m.arch))
		if err != nil {
			t.Fatal(err)
		}
		stock, err := os.ReadFile(kernel.Image)
		if err != nil {
			t.Fatal(err)
		}
		want := m.memory(t, stock)
		t.Run(m.arch, func(t *testing.T) { m.check(t, stock, want) })
		for _, codec := range testdisk.Codecs(m.arch) {
			t.Run(m.arch+" "+codec, func(t *testing.T) {
				packed, err := testdisk.PackKernel(keep, m.arch, codec, stock)
				if err != nil {
					t.Fatal(err)
				}
				m.check(t, packed, want)
			})
		}
	}
}

// deviceTree says where RAM is.
func (m treeMachine) deviceTree(t *testing.T) []byte {
	t.Helper()
	d := fdt.New()
	reg := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, m.ram), ram)
	for _, p := range []struct {
		path, name string
		value      []byte
	}{
		{"/", "#address-cells", []byte{0, 0, 0, 2}}, {"/", "#size-cells", []byte{0, 0, 0, 2}},
		{"/memory@0", "device_type", []byte("memory\x00")}, {"/memory@0", "reg", reg},
	} {
		if err := d.Set(p.path, p.name, p.value); err != nil {
			t.Fatal(err)
		}
	}
	return d.Pack()
}

// check plans and loads a kernel, and compares what of RAM is its.
func (m treeMachine) check(t *testing.T, kernel, want []byte) {
	t.Helper()
	plan, err := image.Build(image.Request{
		Name: "/vmlinux", Kernel: bytes.NewReader(kernel), CmdLine: "quiet",
		Initrd: []image.File{{Name: "/initrd", Data: bytes.NewReader(make([]byte, 5000))}},
		Machine: image.Machine{
			Arch: m.arch, Memory: []image.Range{{Start: m.ram, Size: ram, Type: image.RAM}}, DeviceTree: m.deviceTree(t),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	memory := bytes.Repeat([]byte{0xee}, ram)
	for _, s := range plan.Segments {
		at := memory[s.Addr-m.ram:][:s.Size]
		clear(at)
		if n, err := s.Data.ReadAt(at[:s.Data.Size()], 0); n < int(s.Data.Size()) {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(memory[m.pc-m.ram:][:len(want)], want) {
		t.Error("the kernel's memory differs")
	}
	if plan.Entry.PC != m.pc {
		t.Errorf("entry %#x, want %#x", plan.Entry.PC, m.pc)
	}
	tree, err := fdt.Parse(memory[plan.Entry.Regs[m.tree]-m.ram:])
	if err != nil {
		t.Fatal(err)
	}
	chosen, _ := tree.Find("/chosen")
	start, _ := chosen.Uint("linux,initrd-start")
	end, _ := chosen.Uint("linux,initrd-end")
	if start < m.pc+uint64(len(want)) || end != start+5000 || end > m.ram+ram {
		t.Errorf("initrd %#x-%#x", start, end)
	}
	t.Logf("%s: entry %#x, tree %#x, initrd %#x", plan.Kind, plan.Entry.PC, plan.Entry.Regs[m.tree], start)
}
