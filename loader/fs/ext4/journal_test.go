package ext4

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/loader/fs"
)

// journalKinds are the formats that debugfs writes. Without metadata_csum its
// "-c" means the old checksum of whole transactions.
var journalKinds = []struct{ name, features, open string }{
	{"plain", "-b 1024 -O none,has_journal,filetype,extent", "jo"},
	{"plain-64bit", "-b 4096 -O none,has_journal,filetype,extent,64bit", "jo"},
	{"v1", "-b 1024 -O none,has_journal,filetype", "jo -c"},
	{"v1-64bit", "-b 1024 -O none,has_journal,filetype,extent,64bit", "jo -c"},
	{"v2", "-b 1024 -O none,has_journal,filetype,extent,metadata_csum", "jo -c -v 2"},
	{"v2-64bit", "-b 1024 -O none,has_journal,filetype,extent,metadata_csum,64bit", "jo -c -v 2"},
	{"v3", "-b 1024 -O none,has_journal,filetype,extent,metadata_csum", "jo -c -v 3"},
	{"v3-64bit", "-b 4096 -O none,has_journal,filetype,extent,metadata_csum,64bit,orphan_file,metadata_csum_seed", "jo -c -v 3"},
}

// writeBlocks makes a file of n blocks for debugfs's journal_write; the first
// one and the last one start with the journal's magic number.
func writeBlocks(t *testing.T, seed uint64, size, n int) string {
	t.Helper()
	b := noise(seed, size*n)
	copy(b, journalMagicBytes)
	copy(b[size*(n-1):], journalMagicBytes)
	path := filepath.Join(t.TempDir(), "blocks")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func blockList(first, n int) string {
	var s []string
	for i := range n {
		s = append(s, fmt.Sprint(first+i))
	}
	return strings.Join(s, ",")
}

// journalled makes an image whose journal was not replayed: blocks written
// more than once, revoked, written after that, revoked without commit.
func journalled(t *testing.T, features, open string) string {
	t.Helper()
	image := mkfs(t, "", 16<<20, "-J size=4 "+features)
	if strings.Contains(features, "1024") {
		image = mkfs(t, "", 16<<20, "-J size=1 "+features)
	}
	size := 4096
	if strings.Contains(features, "1024") {
		size = 1024
	}
	jw := func(seed uint64, first, n int) string {
		return fmt.Sprintf("jw -b %s %s", blockList(first, n), writeBlocks(t, seed, size, n))
	}
	commands := []string{open,
		jw(1, 3000, 5),
		jw(2, 3003, 4),
		"jw -r 3000,3005",
		jw(3, 3005, 1),
		jw(4, 3100, 150),
		"jw -r " + blockList(3120, 40),
		jw(5, 3130, 3),
		strings.Replace(jw(6, 3200, 3), "jw", "jw -c", 1),
		"jc"}
	if open == "jo -c" {
		// debugfs 1.47.0 counts revoke blocks in, e2fsck and Linux do not.
		commands = slices.DeleteFunc(commands, func(c string) bool { return strings.HasPrefix(c, "jw -r") })
	}
	debugfs(t, image, commands...)
	return image
}

// replayed is a copy of image after e2fsck has replayed its journal.
func replayed(t *testing.T, image string) memImage {
	t.Helper()
	path := image + ".replayed"
	if err := os.WriteFile(path, readImage(t, image), 0o600); err != nil {
		t.Fatal(err)
	}
	runTool(t, "", 1, "e2fsck", "-y", "-E", "journal_only", path)
	return readImage(t, path)
}

// compareBlocks compares every block as f reads it with an image that e2fsck
// replayed, but for journal and superblock, which e2fsck updates.
func compareBlocks(t *testing.T, f *FS, want memImage) {
	t.Helper()
	skip := map[uint64]bool{uint64(superblockOffset / f.sb.blockSize): true}
	j, err := f.inode(f.sb.journalInode)
	if err != nil {
		t.Fatal(err)
	}
	for b := range j.blockCount() {
		r, err := j.runAt(b, 1)
		if err != nil {
			t.Fatal(err)
		}
		skip[r.physical] = true
	}
	if len(f.store.pending) == 0 {
		t.Error("nothing is pending")
	}
	bs := f.sb.blockSize
	for b := range f.sb.blocks {
		if skip[b] {
			continue
		}
		got, err := f.store.block(b)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want[int(b)*bs:][:bs]) {
			t.Errorf("block %d differs from what e2fsck replayed", b)
		}
	}
}

func TestReplay(t *testing.T) {
	for _, kind := range journalKinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			image := journalled(t, kind.features, kind.open)
			for _, shift := range []uint32{0, 900} { // the second one goes round the end of the log
				rotated := rotateLog(t, image, shift)
				f, err := Open(openImage(t, rotated))
				if err != nil {
					t.Fatal(err)
				}
				compareBlocks(t, f, replayed(t, rotated))
			}
		})
	}
}

// rotateLog moves all blocks of the log on by shift.
func rotateLog(t *testing.T, image string, shift uint32) string {
	t.Helper()
	b := readImage(t, image)
	f, j := openLog(t, b)
	old := bytes.Clone(b)
	for n := j.first; n < j.last; n++ {
		copy(b[j.offset(t, j.after(n, uint64(shift))):], old[j.offset(t, n):][:f.sb.blockSize])
	}
	super := b[j.offset(t, 0):][:journalSuperSize]
	binary.BigEndian.PutUint32(super[0x1c:], uint32(j.after(j.start, uint64(shift))))
	j.sumSuper(super)
	path := image + ".rotated"
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// openLog opens the journal of an image that Open may refuse.
func openLog(t *testing.T, b memImage) (*FS, *journal) {
	t.Helper()
	sb, err := readSuperblock(b, true)
	if err != nil {
		t.Fatal(err)
	}
	f := &FS{sb: sb, store: newStore(b, sb, nil)}
	j, err := f.openJournal()
	if err != nil {
		t.Fatal(err)
	}
	return f, j
}

// offset is where a block of the journal stands in the image.
func (j *journal) offset(t *testing.T, n uint64) int {
	t.Helper()
	p, err := j.physical(n)
	if err != nil {
		t.Fatal(err)
	}
	return int(p) * j.fs.sb.blockSize
}

// sumSuper renews the checksum of the journal's superblock.
func (j *journal) sumSuper(b []byte) {
	if j.csum() {
		clear(b[0xfc:0x100])
		binary.BigEndian.PutUint32(b[0xfc:], crc32c(^uint32(0), b))
	}
}

// TestReplayTree puts all blocks that differ between two states of a
// filesystem into a journal: the newer state must be seen.
func TestReplayTree(t *testing.T) {
	for _, kind := range journalKinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "old"), noise(1, 10000), 0o644); err != nil {
				t.Fatal(err)
			}
			image := mkfs(t, dir, 16<<20, "-J size=4 "+kind.features)
			before := readImage(t, image)
			newer := image + ".newer"
			if err := os.WriteFile(newer, before, 0o600); err != nil {
				t.Fatal(err)
			}
			added := filepath.Join(dir, "old")
			debugfs(t, newer, "mkdir sub", "cd sub", "write "+added+" new", "cd ..", "symlink link sub/new", "rm old")
			after := readImage(t, newer)
			f, err := Open(after)
			if err != nil {
				t.Fatal(err)
			}
			want := listing(t, f)
			journalDifference(t, image, kind.open, before, after, f.sb.blockSize)
			if f, err = Open(openImage(t, image)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, listing(t, f)); diff != "" {
				t.Errorf("(-newer +journalled):\n%s", diff)
			}
			file, err := f.Open("link")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := file.(fs.Mapped).Extents(); !errors.Is(err, fs.ErrUnsupported) {
				t.Errorf("Extents of a file in the journal: %v", err)
			}
		})
	}
}

// journalDifference writes a transaction with the blocks in which after
// differs.
func journalDifference(t *testing.T, image, open string, before, after memImage, size int) {
	t.Helper()
	var list []string
	var data []byte
	for b := 0; b*size < len(after); b++ {
		if new := after[b*size:][:size]; !bytes.Equal(new, before[b*size:][:size]) {
			list = append(list, fmt.Sprint(b))
			data = append(data, new...)
		}
	}
	path := filepath.Join(t.TempDir(), "difference")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	debugfs(t, image, open, "jw -b "+strings.Join(list, ",")+" "+path, "jc")
}

// TestBadJournal changes one place of a journal.
func TestBadJournal(t *testing.T) {
	image := readImage(t, journalled(t, journalKinds[6].features, journalKinds[6].open))
	be := binary.BigEndian
	block := func(n uint64, change func(b []byte)) func(*testing.T, memImage) {
		return func(t *testing.T, m memImage) {
			_, j := openLog(t, m)
			b := m[j.offset(t, n):][:1024]
			change(b)
			if n == 0 {
				j.sumSuper(b)
			}
		}
	}
	tests := []struct {
		name   string
		change func(*testing.T, memImage)
		want   string // of Open's error, "" for none
		kind   error
	}{
		{"as it was", func(*testing.T, memImage) {}, "", nil},
		{"descriptor", block(1, func(b []byte) { b[20] ^= 1 }), "ext4: journal: transaction 1: checksum of a descriptor or revoke block", fs.ErrCorrupt},
		{"data", block(3, func(b []byte) { b[20] ^= 1 }), "ext4: journal: transaction 1: checksum of the copy of block 3001", fs.ErrCorrupt},
		{"data that is revoked", block(2, func(b []byte) { b[20] ^= 1 }), "", nil},
		{"commit", block(7, func(b []byte) { b[50] ^= 1 }), "ext4: journal: transaction 1: checksum of the commit block", fs.ErrCorrupt},
		{"end of log", block(1, func(b []byte) { b[0] ^= 1 }), "", nil},
		{"features", block(0, func(b []byte) { b[0x28] = 0x80 }), "ext4: journal: unsupported features 0x80000000, read-only 0x0", fs.ErrUnsupported},
		{"magic", block(0, func(b []byte) { b[0] = 0 }), "ext4: journal: superblock has magic 0x003b3998 and type 4", fs.ErrCorrupt},
		{"block size", block(0, func(b []byte) { be.PutUint32(b[0xc:], 2048) }), "ext4: journal: 1024 blocks of 2048 bytes", fs.ErrCorrupt},
		{"length", block(0, func(b []byte) { be.PutUint32(b[0x10:], 1025) }), "ext4: journal: 1025 blocks of 1024 bytes", fs.ErrCorrupt},
		{"start", block(0, func(b []byte) { be.PutUint32(b[0x1c:], 1024) }), "ext4: journal: log from block 1 to 1024 starts at 1024", fs.ErrCorrupt},
		{"first", block(0, func(b []byte) { be.PutUint32(b[0x14:], 0) }), "ext4: journal: log from block 0 to 1024 starts at 1", fs.ErrCorrupt},
		{"clean", block(0, func(b []byte) { be.PutUint32(b[0x1c:], 0) }), "", nil},
		{"checksum", func(t *testing.T, m memImage) { _, j := openLog(t, m); m[j.offset(t, 0)+0x50] = 1 }, "ext4: journal: checksum type 1, only crc32c (4) is known", fs.ErrUnsupported},
		{"superblock checksum", func(t *testing.T, m memImage) { _, j := openLog(t, m); m[j.offset(t, 0)+0xfc] ^= 1 }, "ext4: journal: superblock checksum 0x", fs.ErrCorrupt},
		{"fast commits everywhere", block(0, func(b []byte) { b[0x2b] |= journalFastCommit; be.PutUint32(b[0x54:], 1024) }), "ext4: journal: 1024 of 1024 blocks for fast commits", fs.ErrCorrupt},
		{"fast commits elsewhere", fastCommit(6), "", nil},
		{"fast commits pending", fastCommit(8), "ext4: journal: unsupported feature fast_commit: transaction 8 is pending", fs.ErrUnsupported},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := bytes.Clone(image)
			tt.change(t, m)
			_, err := Open(memImage(m))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want) || !errors.Is(err, tt.kind)) {
				t.Errorf("Open: %v\nwant:  %v", err, tt.want)
			}
		})
	}
}

// fastCommit turns the feature on and puts a head of a fast commit behind the
// log.
func fastCommit(transaction uint32) func(*testing.T, memImage) {
	return func(t *testing.T, m memImage) {
		_, j := openLog(t, m)
		super := m[j.offset(t, 0):][:journalSuperSize]
		super[0x2b] |= journalFastCommit
		binary.BigEndian.PutUint32(super[0x54:], 100)
		j.sumSuper(super)
		head := m[j.offset(t, 1024-100+1):]
		copy(head, []byte{9, 0, 8, 0})
		binary.LittleEndian.PutUint32(head[8:], transaction)
	}
}

// A descriptor that is found again and again must not keep the scan going.
func TestJournalLoop(t *testing.T) {
	image := readImage(t, journalled(t, journalKinds[0].features, journalKinds[0].open))
	_, j := openLog(t, image)
	descriptor := bytes.Clone(image[j.offset(t, 1):][:1024])
	for n := j.first; n < j.last; n++ {
		copy(image[j.offset(t, n):], descriptor)
	}
	want := "ext4: journal: transaction 1 loops"
	if _, err := Open(image); err == nil || err.Error() != want {
		t.Errorf("Open: %v, want %s", err, want)
	}
}

// Reads of a part of a block that is pending, also of the hidden magic number.
func TestReadPending(t *testing.T) {
	f, err := Open(openImage(t, journalled(t, journalKinds[0].features, journalKinds[0].open)))
	if err != nil {
		t.Fatal(err)
	}
	whole := make([]byte, 8<<10)
	if err := f.store.readAt(whole, 3000<<10); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(whole[3<<10:][:4], journalMagicBytes) {
		t.Error("block 3003 lacks the magic number")
	}
	for off := 0; off < len(whole); off += 101 {
		for _, n := range []int{1, 3, 1000, 2500} {
			got := make([]byte, min(n, len(whole)-off))
			if err := f.store.readAt(got, 3000<<10+int64(off)); err != nil || !bytes.Equal(got, whole[off:][:len(got)]) {
				t.Fatalf("%d bytes at %d differ from the whole: %v", n, off, err)
			}
		}
	}
	if _, err := iofs.Stat(f, "lost+found"); err != nil {
		t.Error(err)
	}
}
