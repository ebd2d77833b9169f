package kmod

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
)

// module returns the smallest ELF file that has a section of a name with some
// content.
func module(section, content string) []byte {
	names := "\x00" + section + "\x00.shstrtab\x00"
	var head elf.Header64
	size := uint64(binary.Size(head))
	copy(head.Ident[:], elf.ELFMAG)
	head.Ident[elf.EI_CLASS], head.Ident[elf.EI_DATA], head.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	head.Type, head.Machine, head.Version = uint16(elf.ET_REL), uint16(elf.EM_X86_64), uint32(elf.EV_CURRENT)
	head.Ehsize, head.Shentsize = uint16(size), uint16(binary.Size(elf.Section64{}))
	head.Shnum, head.Shstrndx = 3, 2
	head.Shoff = size + uint64(len(content)+len(names))
	sections := []elf.Section64{
		{},
		{Name: 1, Type: uint32(elf.SHT_PROGBITS), Off: size, Size: uint64(len(content))},
		{Name: uint32(2 + len(section)), Type: uint32(elf.SHT_STRTAB), Off: size + uint64(len(content)), Size: uint64(len(names))},
	}
	var out bytes.Buffer
	for _, v := range []any{head, []byte(content), []byte(names), sections} {
		if err := binary.Write(&out, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
	return out.Bytes()
}

// tree writes a folder of modules; needs maps a module's file to what it
// needs.
func tree(t *testing.T, builtin string, needs map[string]string) *Tree {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "modules.builtin"), []byte(builtin), 0o644); err != nil {
		t.Fatal(err)
	}
	for file, deps := range needs {
		file = filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		data := module(".modinfo", "license=GPL\x00depends="+deps+"\x00name=x\x00")
		if filepath.Ext(file) == ".xz" {
			cmd := exec.Command("xz", "-zc", "--check=crc32")
			cmd.Stdin = bytes.NewReader(data)
			var err error
			if data, err = cmd.Output(); err != nil {
				t.Fatalf("xz is needed (scripts/install-host-packages): %v", err)
			}
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tr, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestResolve(t *testing.T) {
	tr := tree(t, "kernel/drivers/virtio/virtio_ring.ko\nkernel/drivers/virtio/virtio-pci.ko\n", map[string]string{
		"kernel/drivers/xen/xen-privcmd.ko":          "",
		"kernel/drivers/xen/xenfs/xenfs.ko":          "xen-privcmd",
		"kernel/drivers/block/virtio_blk.ko.xz":      "virtio_ring",
		"kernel/drivers/block/xen-blkback/back.ko":   "xenfs,virtio_blk",
		"kernel/drivers/loop/a.ko":                   "b",
		"kernel/drivers/loop/b.ko":                   "a",
		"kernel/drivers/broken/needs_the_missing.ko": "missing",
	})
	for _, c := range []struct {
		names []string
		want  string // names in order; or the error
	}{
		{nil, ""},
		{[]string{"xen_privcmd"}, "xen_privcmd"},
		{[]string{"back"}, "xen_privcmd xenfs virtio_blk back"},
		{[]string{"xenfs", "xen-privcmd", "back"}, "xen_privcmd xenfs virtio_blk back"},
		{[]string{"virtio_pci", "virtio_ring"}, ""},
		{[]string{"a"}, "b a"},
		{[]string{"nothing"}, "kmod: no module nothing"},
		{[]string{"needs_the_missing"}, "kmod: no module missing, which needs_the_missing needs"},
	} {
		modules, err := tr.Resolve(c.names...)
		var names []string
		for _, m := range modules {
			names = append(names, m.Name)
			if !strings.HasPrefix(string(m.Data), elf.ELFMAG) {
				t.Errorf("module %s is no ELF file", m.Name)
			}
		}
		got := strings.Join(names, " ")
		if err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("Resolve(%v) (-want +got):\n%s", c.names, diff)
		}
	}
}

func TestDependsErrors(t *testing.T) {
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"no ELF":   {[]byte(strings.Repeat("text", 100)), "bad magic number"},
		"no entry": {module(".text", "x"), "no .modinfo section"},
	} {
		if _, err := depends(c.data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if got, err := depends(module(".modinfo", "license=GPL\x00")); err != nil || got != nil {
		t.Errorf("no depends= entry: %v, %v", got, err)
	}
}
