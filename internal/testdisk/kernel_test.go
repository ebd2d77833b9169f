package testdisk

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"strings"
	"testing"

	"pvboot/internal/cache"
)

// riscv64Image returns the least that is an Image, with some kernel behind it.
func riscv64Image() []byte {
	image := make([]byte, 4096)
	copy(image[56:], "RSC\x05")
	copy(image[64:], "kernel")
	return image
}

// vmlinuxELF returns the least that is a vmlinux for a machine.
func vmlinuxELF(t *testing.T, machine elf.Machine, data elf.Data) []byte {
	t.Helper()
	head := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT)}
	copy(head.Ident[:], elf.ELFMAG)
	head.Ident[elf.EI_CLASS], head.Ident[elf.EI_DATA], head.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(data), byte(elf.EV_CURRENT)
	head.Ehsize = uint16(binary.Size(head))
	var order binary.ByteOrder = binary.LittleEndian
	if data == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	var out bytes.Buffer
	if err := binary.Write(&out, order, head); err != nil {
		t.Fatal(err)
	}
	return append(out.Bytes(), "kernel"...)
}

// A kernel comes back from each packing as it was.
func TestGzipPacking(t *testing.T) {
	keep := cache.Dir(t.TempDir())
	for arch, kernel := range map[string][]byte{
		"riscv64": riscv64Image(),
		"ppc64le": vmlinuxELF(t, elf.EM_PPC64, elf.ELFDATA2LSB),
	} {
		p := architectures[arch].packing
		for codec, magic := range map[string]string{"none": string(kernel[:4]), "gzip": "\x1f\x8b\x08"} {
			packed, err := PackKernel(keep, arch, codec, kernel)
			if err != nil || !strings.HasPrefix(string(packed), magic) {
				t.Errorf("%s, %s: %.4q, %v", arch, codec, packed, err)
				continue
			}
			if plain, err := p.unpack(packed); err != nil || !bytes.Equal(plain, kernel) {
				t.Errorf("%s, %s: comes back as %d bytes, not %d, %v", arch, codec, len(plain), len(kernel), err)
			}
			// What was packed can be packed anew.
			if plain, err := PackKernel(keep, arch, "none", packed); err != nil || !bytes.Equal(plain, kernel) {
				t.Errorf("%s, %s, then none: %d bytes, %v", arch, codec, len(plain), err)
			}
		}
	}
}

func TestGzipPackingOfOthers(t *testing.T) {
	for _, c := range []struct {
		name, arch string
		kernel     []byte
	}{
		{"text", "riscv64", []byte(strings.Repeat("kernel ", 100))},
		{"an ELF", "riscv64", vmlinuxELF(t, elf.EM_RISCV, elf.ELFDATA2LSB)},
		{"an Image", "ppc64le", riscv64Image()},
		{"another machine", "ppc64le", vmlinuxELF(t, elf.EM_X86_64, elf.ELFDATA2LSB)},
		{"big-endian", "ppc64le", vmlinuxELF(t, elf.EM_PPC64, elf.ELFDATA2MSB)},
		{"nothing", "riscv64", nil},
		{"half a gzip", "riscv64", []byte("\x1f\x8b\x08")},
	} {
		if _, err := architectures[c.arch].pack(c.kernel, "gzip"); err == nil {
			t.Errorf("%s as a kernel for %s: no error", c.name, c.arch)
		}
	}
}
