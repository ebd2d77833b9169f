//go:build rig

package xen_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"pvboot/internal/cache"
	"pvboot/internal/vmlinux"
	"pvboot/internal/xenhost"
)

// vmlinuxCmd takes the ELF file out of a bzImage.
func vmlinuxCmd(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: vmlinux BZIMAGE FILE")
	}
	kernel, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	elf, err := vmlinux.Extract(kernel)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), elf, 0o644))
}

// pvgrubCmd copies the PvGRUB that belongs to a version of Xen.
func pvgrubCmd(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: pvgrub XEN MODE FILE")
	}
	dir, err := cache.Find()
	ts.Check(err)
	image, err := xenhost.FetchGrub(context.Background(), dir, args[0], args[1], os.Stderr)
	ts.Check(err)
	ts.Check(cache.CopyFile(ts.MkAbs(args[2]), image))
}

// badKernelCmd spoils a kernel in a way that [vmlinux.Spoil] lists.
func badKernelCmd(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: badkernel HOW BZIMAGE FILE, where HOW is one of %v", vmlinux.Spoilers())
	}
	kernel, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	kernel, err = vmlinux.Spoil(kernel, args[0])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), kernel, 0o644))
}

// multibootCmd writes the smallest Multiboot kernel that shows that it was
// started rightly: it prints its command line, a bar and its modules to Xen's
// debug port, and halts. A wrong magic number prints nothing.
func multibootCmd(ts *testscript.TestScript, _ bool, args []string) {
	kernels := map[string]func() []byte{"1": multiboot1, "2": multiboot2}
	if len(args) != 2 || kernels[args[0]] == nil {
		ts.Fatalf("usage: multiboot VERSION FILE")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), kernels[args[0]](), 0o644))
}

// mbBase is where the kernels are loaded.
const mbBase = 1 << 20

// multiboot1 follows the Multiboot Specification 0.6.96, 3.1 and 3.3.
func multiboot1() []byte {
	const magic, withAddresses, size = 0x1badb002, 1 << 16, 32
	var a assembler
	a.emit(0x3d, 0x02, 0xb0, 0xad, 0x2b) // cmp eax, 0x2badb002
	a.jump(0x75, "end")
	a.emit(0x8b, 0x73, 0x10) // mov esi, [ebx+16], the command line
	a.printText()
	a.emit(0x8b, 0x7b, 0x18) // mov edi, [ebx+24], the list of modules
	a.emit(0x8b, 0x37)       // mov esi, [edi], the first one's start
	a.emit(0x8b, 0x4f, 0x04) // mov ecx, [edi+4], its end
	a.printBytes()
	a.printByte('\n')
	a.label("end")
	a.halt()
	code := a.bytes()
	return append(words(magic, withAddresses, -(magic+withAddresses),
		mbBase, mbBase, 0, 0, mbBase+size), code...)
}

// multiboot2 follows the Multiboot2 Specification 2.0, 3.1 and 3.6.
func multiboot2() []byte {
	const magic, size = 0xe85250d6, 16 + 24 + 16 + 8
	var a assembler
	a.emit(0x3d, 0x89, 0x62, 0xd7, 0x36) // cmp eax, 0x36d76289
	a.jump(0x75, "end")
	a.emit(0x8d, 0x7b, 0x08) // lea edi, [ebx+8], the first tag
	a.label("next")
	a.emit(0x8b, 0x07) // mov eax, [edi], its type
	a.emit(0x85, 0xc0) // test eax, eax
	a.jump(0x74, "last")
	a.emit(0x83, 0xf8, 0x01) // cmp eax, 1, the command line
	a.jump(0x75, "other")
	a.emit(0x8d, 0x77, 0x08) // lea esi, [edi+8]
	a.printText()
	a.label("other")
	a.emit(0x83, 0x3f, 0x03) // cmp dword [edi], 3, a module
	a.jump(0x75, "skip")
	a.emit(0x8b, 0x77, 0x08) // mov esi, [edi+8], its start
	a.emit(0x8b, 0x4f, 0x0c) // mov ecx, [edi+12], its end
	a.printBytes()
	a.label("skip")
	a.emit(0x8b, 0x47, 0x04) // mov eax, [edi+4], the tag's size
	a.emit(0x83, 0xc0, 0x07) // add eax, 7
	a.emit(0x83, 0xe0, 0xf8) // and eax, -8
	a.emit(0x01, 0xc7)       // add edi, eax
	a.jump(0xeb, "next")
	a.label("last")
	a.printByte('\n')
	a.label("end")
	a.halt()
	code := a.bytes()
	return append(words(magic, 0, size, -(magic+size),
		2, 24, mbBase, mbBase, 0, 0, // address
		3, 12, mbBase+size, 0, // entry, and padding
		0, 8), code...)
}

// words are 32-bit numbers, little-endian.
func words(list ...int64) []byte {
	var b []byte
	for _, w := range list {
		b = binary.LittleEndian.AppendUint32(b, uint32(w))
	}
	return b
}

// assembler writes 32-bit code with short jumps.
type assembler struct {
	code   bytes.Buffer
	labels map[string]int
	jumps  map[int]string // offset of the distance → label
}

func (a *assembler) emit(b ...byte) { a.code.Write(b) }

func (a *assembler) label(name string) {
	if a.labels == nil {
		a.labels = map[string]int{}
	}
	a.labels[name] = a.code.Len()
}

// jump writes a jump with an 8-bit distance.
func (a *assembler) jump(op byte, to string) {
	if a.jumps == nil {
		a.jumps = map[int]string{}
	}
	a.emit(op, 0)
	a.jumps[a.code.Len()-1] = to
}

func (a *assembler) bytes() []byte {
	code := a.code.Bytes()
	for at, to := range a.jumps {
		code[at] = byte(a.labels[to] - at - 1)
	}
	return code
}

// printByte writes to port 0xe9, which Xen prints line by line.
func (a *assembler) printByte(c byte) { a.emit(0xb0, c, 0xe6, 0xe9) } // mov al, c; out 0xe9, al

// printText prints the text at esi, and a bar.
func (a *assembler) printText() {
	// again: lodsb; test al, al; jz done; out 0xe9, al; jmp again; done:
	a.emit(0xac, 0x84, 0xc0, 0x74, 0x04, 0xe6, 0xe9, 0xeb, 0xf7)
	a.printByte('|')
}

// printBytes prints what lies from esi to ecx.
func (a *assembler) printBytes() {
	// sub ecx, esi; again: lodsb; out 0xe9, al; dec ecx; jnz again
	a.emit(0x29, 0xf1, 0xac, 0xe6, 0xe9, 0x49, 0x75, 0xfa)
}

// halt ends the domain: no interrupt can wake it.
func (a *assembler) halt() { a.emit(0xfa, 0xf4, 0xeb, 0xfc) } // cli; hlt; again
