package ext4

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pvboot/loader/fs"
)

// smallTree is a tree in which every kind of metadata occurs.
func smallTree(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{"big", "sub/inner", "other"} {
		must(os.MkdirAll(filepath.Join(dir, d), 0o755))
	}
	must(os.WriteFile(filepath.Join(dir, "file"), noise(1, 20_000), 0o644))
	must(os.WriteFile(filepath.Join(dir, "sub/inner/leaf"), []byte("leaf"), 0o644))
	must(os.Symlink(strings.Repeat("long/", 30), filepath.Join(dir, "slow")))
	must(os.Symlink("file", filepath.Join(dir, "fast")))
	for i := range 400 { // a hash tree of two levels with 1 KiB blocks
		must(os.WriteFile(filepath.Join(dir, "big", fmt.Sprintf("%0250d", i)), nil, 0o644))
	}
	comb, err := os.Create(filepath.Join(dir, "comb"))
	must(err)
	for i := range int64(700) { // an extent tree of depth 2 with 1 KiB blocks
		_, err := comb.WriteAt([]byte{byte(i) | 1}, i*2048)
		must(err)
	}
	must(comb.Close())
	return dir
}

// patient is an image in memory with ways to find what to change.
type patient struct {
	t testing.TB
	f *FS
	m memImage
}

func newPatient(t testing.TB, m memImage) *patient {
	t.Helper()
	f, err := Open(m)
	if err != nil {
		t.Fatal(err)
	}
	return &patient{t, f, m}
}

func (p *patient) number(path string) uint32 {
	p.t.Helper()
	if path == "." {
		return rootInode
	}
	n, err := p.f.resolve(path)
	if err != nil {
		p.t.Fatal(err)
	}
	return n.number
}

// inode is the raw inode of a path in the image.
func (p *patient) inode(path string) []byte { p.t.Helper(); return p.inodeNumber(p.number(path)) }

func (p *patient) inodeNumber(n uint32) []byte {
	p.t.Helper()
	table, err := p.f.inodeTable((n - 1) / p.f.sb.inodesPerGroup)
	if err != nil {
		p.t.Fatal(err)
	}
	off := int(table)*p.f.sb.blockSize + int((n-1)%p.f.sb.inodesPerGroup)*p.f.sb.inodeSize
	return p.m[off:][:p.f.sb.inodeSize]
}

func (p *patient) block(n uint64) []byte { return p.m[int(n)*p.f.sb.blockSize:][:p.f.sb.blockSize] }

// data is a block of a file or directory.
func (p *patient) data(path string, block uint64) []byte {
	p.t.Helper()
	n, err := p.f.inode(p.number(path))
	if err != nil {
		p.t.Fatal(err)
	}
	r, err := n.runAt(block, 1)
	if err != nil || r.physical == 0 {
		p.t.Fatalf("%s: block %d: %v, %v", path, block, r, err)
	}
	return p.block(r.physical)
}

// node is the first extent block below node b.
func (p *patient) node(b []byte) []byte {
	return p.block(uint64(binary.LittleEndian.Uint32(b[12+4:])))
}

func (p *patient) extentRoot(path string) []byte { p.t.Helper(); return p.inode(path)[0x28:][:60] }

// entry is the directory entry of a name.
func (p *patient) entry(dir, name string) []byte {
	p.t.Helper()
	b := p.data(dir, 0)
	i := bytes.Index(b, append([]byte{byte(len(name))}, append(b[7:8:8], name...)...))
	for k := range byte(8) {
		if i < 0 {
			i = bytes.Index(b, append([]byte{byte(len(name)), k}, name...))
		}
	}
	if i < 6 {
		p.t.Fatalf("no entry %s in %s", name, dir)
	}
	return b[i-6:]
}

// operate does what a case asks for: "open", "read PATH", "list PATH", "walk".
func operate(f *FS, op string) error {
	verb, path, _ := strings.Cut(op, " ")
	var err error
	switch verb {
	case "read":
		_, err = iofs.ReadFile(f, path)
	case "list":
		_, err = f.ReadDir(path)
	case "link":
		_, err = f.ReadLink(path)
	case "stat":
		_, err = f.Stat(path)
	case "extents":
		var file iofs.File
		if file, err = f.Open(path); err == nil {
			_, err = file.(fs.Mapped).Extents()
		}
	}
	return err
}

type corruptCase struct {
	name, op string
	change   func(p *patient)
	want     string // pattern of the whole error, without path
}

// check opens a changed copy of an image and wants an error of ErrCorrupt.
func (c corruptCase) check(t *testing.T, image memImage, verify bool) {
	t.Helper()
	p := newPatient(t, bytes.Clone(image))
	if err := operate(p.f, c.op); err != nil {
		t.Fatalf("%s of the good image: %v", c.op, err)
	}
	c.change(p)
	f, err := open(p.m, verify)
	if err == nil {
		err = operate(f, c.op)
	}
	var pe *iofs.PathError
	got := err
	if errors.As(err, &pe) {
		got = pe.Err
	}
	if got == nil || !regexp.MustCompile("^"+c.want+"$").MatchString(got.Error()) {
		t.Errorf("%s: %v\nwant %s", c.op, got, c.want)
	}
	if !errors.Is(err, fs.ErrCorrupt) {
		t.Errorf("%v is not ErrCorrupt", err)
	}
}

const sums = " 0x[0-9a-f]+, expected 0x[0-9a-f]+"

func TestChecksums(t *testing.T) {
	path := mkfs(t, smallTree(t), 16<<20, "-b 1024 -I 256 -O "+new4)
	runTool(t, "", 1, "e2fsck", "-fyD", path)
	image := readImage(t, path)
	flip := func(b []byte, at int) { b[at] ^= 0x10 }
	for _, c := range []corruptCase{
		{"superblock", "open", func(p *patient) { flip(p.m, 1024+0x78) }, "ext4: superblock: checksum" + sums},
		{"group", "open", func(p *patient) { flip(p.m, 2048+0xc) }, "ext4: group 0: descriptor checksum" + sums},
		{"root inode", "open", func(p *patient) { flip(p.inode("."), 0x10) }, "ext4: inode 2: checksum" + sums},
		{"inode's upper part", "read file", func(p *patient) { flip(p.inode("file"), 200) }, "ext4: inode [0-9]+: checksum" + sums},
		{"inode of another number", "read file", func(p *patient) { copy(p.inode("file"), p.inode("comb")) }, "ext4: inode [0-9]+: checksum" + sums},
		{"directory leaf", "list .", func(p *patient) { flip(p.data(".", 0), 0x30) }, "ext4: inode 2: directory block 0: checksum" + sums},
		{"directory tail", "list .", func(p *patient) { flip(p.data(".", 0), 1024-12+7) }, "ext4: inode 2: directory block 0: no checksum"},
		{"hash root", "list big", func(p *patient) { flip(p.data("big", 0), 44) }, "ext4: inode [0-9]+: directory block 0: checksum" + sums},
		{"hash root limit", "list big", func(p *patient) { flip(p.data("big", 0), 32) }, "ext4: inode [0-9]+: directory block 0: (checksum" + sums + "|[0-9]+ of [0-9]+ hash entries)"},
		{"hash node", "list big", func(p *patient) {
			for i := uint64(1); ; i++ {
				if b := p.data("big", i); binary.LittleEndian.Uint16(b[4:]) == 1024 {
					flip(b, 20)
					return
				}
			}
		}, "ext4: inode [0-9]+: directory block [0-9]+: checksum" + sums},
		{"extent index", "read comb", func(p *patient) { flip(p.node(p.extentRoot("comb")), 30) }, "ext4: inode [0-9]+: block [0-9]+: extent checksum" + sums},
		{"extent leaf", "read comb", func(p *patient) { flip(p.node(p.node(p.extentRoot("comb"))), 500) }, "ext4: inode [0-9]+: block [0-9]+: extent checksum" + sums},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, image, true) })
	}
	t.Run("crc16", func(t *testing.T) {
		image := readImage(t, mkfs(t, "", 2<<20, "-b 1024 -O "+base+",uninit_bg"))
		corruptCase{"", "open", func(p *patient) { flip(p.m, 2048+0xc) }, "ext4: group 0: descriptor checksum" + sums}.check(t, image, true)
	})
}

// TestStructure breaks a filesystem without checksums.
func TestStructure(t *testing.T) {
	le := binary.LittleEndian
	put16 := func(b []byte, at int, v uint16) { le.PutUint16(b[at:], v) }
	put32 := func(b []byte, at int, v uint32) { le.PutUint32(b[at:], v) }
	image := readImage(t, mkfs(t, smallTree(t), 16<<20, "-b 1024 -I 256 -N 1024 -O none,sparse_super,filetype,extent,dir_nlink,large_file"))
	for _, c := range []corruptCase{
		{"huge filesystem", "open", func(p *patient) { put32(p.m, 1024+4, 1<<30) }, "ext4: superblock: filesystem of 1073741824 blocks of 1024 bytes exceeds the device of 16777216 bytes"},
		{"block size", "open", func(p *patient) { put32(p.m, 1024+0x18, 7) }, "ext4: superblock: block size 2\\^7 KiB"},
		{"no blocks a group", "open", func(p *patient) { put32(p.m, 1024+0x20, 0) }, "ext4: superblock: blocks per group 0"},
		{"no inodes a group", "open", func(p *patient) { put32(p.m, 1024+0x28, 0) }, "ext4: superblock: inodes per group 0"},
		{"inode count", "open", func(p *patient) { put32(p.m, 1024, 3) }, "ext4: superblock: 3 inodes, but 2 groups of 512"},
		{"inode size", "open", func(p *patient) { put16(p.m, 1024+0x58, 192) }, "ext4: superblock: inode size 192"},
		{"first block", "open", func(p *patient) { put32(p.m, 1024+0x14, 2) }, "ext4: superblock: first data block 2"},
		{"inode table", "open", func(p *patient) { put32(p.m, 2048+8, 16<<10) }, "ext4: group 0: inode table at block 16384 outside the filesystem"},
		{"root a file", "open", func(p *patient) { put16(p.inode("."), 0, 0x81ff) }, "ext4: inode 2: root is not a directory"},
		{"mode", "read file", func(p *patient) { put16(p.inode("file"), 0, 0) }, "ext4: inode [0-9]+: mode 0 is no file type"},
		{"deleted", "read file", func(p *patient) { put16(p.inode("file"), 0x1a, 0) }, "ext4: inode [0-9]+: deleted, but in use"},
		{"extra size", "read file", func(p *patient) { put16(p.inode("file"), 0x80, 132) }, "ext4: inode [0-9]+: extra size 132"},
		{"negative size", "read file", func(p *patient) { put32(p.inode("file"), 0x6c, 1<<31) }, "ext4: inode [0-9]+: size 9223372036854795808"},
		{"absurd size", "read file", func(p *patient) { put32(p.inode("file"), 0x6c, 1<<30) }, "ext4: inode [0-9]+: size 4611686018427407904"},
		{"empty link", "link slow", func(p *patient) { put32(p.inode("slow"), 4, 0) }, "ext4: inode [0-9]+: symbolic link of 0 bytes"},
		{"long link", "link slow", func(p *patient) { put32(p.inode("slow"), 4, 1025) }, "ext4: inode [0-9]+: symbolic link of 1025 bytes"},

		{"extent magic", "read file", func(p *patient) { put16(p.extentRoot("file"), 0, 1) }, "ext4: inode [0-9]+: extent magic 0x0001, expected 0xf30a"},
		{"extent count", "read file", func(p *patient) { put16(p.extentRoot("file"), 2, 5) }, "ext4: inode [0-9]+: 5 of 4 extent entries"},
		{"extent capacity", "read file", func(p *patient) { put16(p.extentRoot("file"), 4, 5) }, "ext4: inode [0-9]+: 1 of 5 extent entries"},
		{"extent depth", "read file", func(p *patient) { put16(p.extentRoot("file"), 6, 6) }, "ext4: inode [0-9]+: extent tree depth 6"},
		{"extent outside", "read file", func(p *patient) { put32(p.extentRoot("file"), 20, 16370) }, "ext4: inode [0-9]+: extent 0 at block 16370 outside the filesystem"},
		{"extent of nothing", "read file", func(p *patient) { put16(p.extentRoot("file"), 16, 0) }, "ext4: inode [0-9]+: extent 0 of 0 blocks from 0, not in 0 to 4294967296"},
		{"extent order", "read comb", func(p *patient) { put32(p.node(p.node(p.extentRoot("comb"))), 24, 0) }, "ext4: inode [0-9]+: block [0-9]+: extent 1 of 1 blocks from 0, not in 1 to [0-9]+"},
		{"extent loop", "read comb", func(p *patient) {
			root := p.extentRoot("comb")
			put32(p.node(root), 12+4, le.Uint32(root[12+4:]))
		}, "ext4: inode [0-9]+: block [0-9]+: extent tree depth 1"},
		{"extent node twice", "read comb", func(p *patient) {
			node := p.node(p.extentRoot("comb"))
			put32(node, 24+4, le.Uint32(node[12+4:]))
		}, "ext4: inode [0-9]+: block [0-9]+: extent 0 of 1 blocks from 0, not in [1-9][0-9]* to [0-9]+"},
		{"extent node twice, listed", "extents comb", func(p *patient) {
			node := p.node(p.extentRoot("comb"))
			put32(node, 24+4, le.Uint32(node[12+4:]))
		}, "ext4: inode [0-9]+: block [0-9]+: extent 0 of 1 blocks from 0, not in [1-9][0-9]* to [0-9]+"},
		{"extent index order", "read comb", func(p *patient) { put32(p.node(p.extentRoot("comb")), 24, 0) }, "ext4: inode [0-9]+: block [0-9]+: extent index 1 starts at block 0, not in 0 to [0-9]+"},
		{"extent index outside", "read comb", func(p *patient) { put16(p.extentRoot("comb"), 12+8, 1) }, "ext4: inode [0-9]+: extent index to block [0-9]+ outside the filesystem"},
		{"empty extent index", "read comb", func(p *patient) { put16(p.extentRoot("comb"), 2, 0) }, "ext4: inode [0-9]+: extent index without entries"},

		{"entry length 0", "list sub", func(p *patient) { put16(p.entry("sub", "inner"), 4, 0) }, "ext4: inode [0-9]+: directory block 0: entry at 24: length 0 for a name of 5"},
		{"entry length odd", "list sub", func(p *patient) { put16(p.entry("sub", "inner"), 4, 18) }, "ext4: inode [0-9]+: directory block 0: entry at 24: length 18 for a name of 5"},
		{"entry too long", "list sub", func(p *patient) { put16(p.entry("sub", "inner"), 4, 1024) }, "ext4: inode [0-9]+: directory block 0: entry at 24: length 1024 for a name of 5"},
		{"entry cut off", "list sub", func(p *patient) { put16(p.entry("sub", "inner"), 4, 1024-24-4) }, "ext4: inode [0-9]+: directory block 0: entry at 1020: cut off"},
		{"name too long", "list sub", func(p *patient) { put16(p.entry("sub", "inner"), 4, 16); p.entry("sub", "inner")[6] = 9 }, "ext4: inode [0-9]+: directory block 0: entry at 24: length 16 for a name of 9"},
		{"name with slash", "list sub", func(p *patient) { p.entry("sub", "inner")[9] = '/' }, `ext4: inode [0-9]+: directory block 0: entry at 24: bad name "i/ner"`},
		{"directory size", "list sub", func(p *patient) { put32(p.inode("sub"), 4, 100) }, "ext4: inode [0-9]+: directory of 100 bytes"},
		{"directory hole", "list sub", func(p *patient) { put32(p.inode("sub"), 4, 2048) }, "ext4: inode [0-9]+: directory block 1 is a hole"},
		{"root in itself", "stat sub/inner", func(p *patient) { put32(p.entry("sub", "inner"), 0, rootInode) }, "ext4: inode 2: directory \"inner\" is in inode [0-9]+, but its parent is inode 2"},
		{"entry of the root", "stat sub", func(p *patient) { put32(p.entry(".", "sub"), 0, rootInode) }, "ext4: directory sub: contains itself"},
		{"no dots", "stat sub", func(p *patient) { p.data("sub", 0)[8] = 'x' }, "ext4: inode [0-9]+: directory does not start with . and .."},
		{"reserved inode", "stat file", func(p *patient) { put32(p.entry(".", "file"), 0, 8) }, "ext4: inode 2: entry \"file\" points at reserved inode 8"},
		{"inode number", "stat file", func(p *patient) { put32(p.entry(".", "file"), 0, 1<<31) }, "ext4: inode 2147483648: number out of range 1 to 1024"},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, image, false) })
	}
}

// TestDirectoryGraph walks trees in which a directory has two names, is below
// itself, or forms a cycle with another that nothing else leads to.
func TestDirectoryGraph(t *testing.T) {
	image := readImage(t, mkfs(t, smallTree(t), 16<<20, "-b 1024 -I 256 -O none,sparse_super,filetype,extent"))
	le := binary.LittleEndian
	tests := map[string]func(p *patient){
		"two names": func(p *patient) { le.PutUint32(p.entry(".", "other"), p.number("sub/inner")) },
		"below itself": func(p *patient) {
			e := p.entry("sub/inner", "leaf")
			le.PutUint32(e, p.number("sub"))
			e[7] = 2
		},
		"cycle with right parents": func(p *patient) {
			inner := p.number("sub/inner")
			e := p.entry("sub/inner", "leaf")
			le.PutUint32(e, p.number("sub"))
			e[7] = 2
			le.PutUint32(p.data("sub", 0)[12:], inner)
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPatient(t, bytes.Clone(image))
			change(p)
			f, err := Open(p.m)
			if err != nil {
				t.Fatal(err)
			}
			var bad []error
			steps := 0
			err = iofs.WalkDir(f, ".", func(path string, d iofs.DirEntry, err error) error {
				if steps++; steps > 2000 {
					return errors.New("endless")
				}
				if err != nil {
					bad = append(bad, err)
				}
				return nil
			})
			if err != nil || len(bad) == 0 || !errors.Is(errors.Join(bad...), fs.ErrCorrupt) {
				t.Errorf("walk: %v, errors on the way: %v", err, bad)
			}
		})
	}
}
