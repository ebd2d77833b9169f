package ext4

import (
	"bytes"
	"encoding/binary"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"testing"

	"pvboot/loader/fs"
)

// fuzzImages are small filesystems, each with the places that hold metadata:
// all blocks that are not zero.
func fuzzImages(f *testing.F) (images []memImage, places [][]int) {
	dir := f.TempDir()
	for name, n := range map[string]int{"file": 9000, "sub/inner/leaf": 50, "sub/b": 0} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			f.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), bytes.Repeat([]byte{0xff}, n), 0o644); err != nil {
			f.Fatal(err)
		}
	}
	if err := os.Symlink("sub/inner/../b", filepath.Join(dir, "link")); err != nil {
		f.Fatal(err)
	}
	comb, err := os.Create(filepath.Join(dir, "comb"))
	if err != nil {
		f.Fatal(err)
	}
	for i := range int64(100) {
		if _, err := comb.WriteAt([]byte{1}, i*2048); err != nil {
			f.Fatal(err)
		}
	}
	comb.Close()
	for i, options := range []string{
		"-b 1024 -N 32 -O none,filetype",
		"-b 1024 -N 32 -O none,filetype,extent,64bit,metadata_csum,dir_index",
		"-b 1024 -N 32 -J size=1 -O none,has_journal,filetype,extent,metadata_csum,inline_data,64bit",
	} {
		size, tree := int64(512<<10), dir
		if i == 2 {
			size, tree = 1500<<10, ""
		}
		path := mkfs(f, tree, size, options)
		if i == 2 {
			blocks := filepath.Join(f.TempDir(), "blocks")
			if err := os.WriteFile(blocks, noise(1, 4096), 0o600); err != nil {
				f.Fatal(err)
			}
			debugfs(f, path, "jo -c -v 3", "jw -b 1300,1301,1302,1303 "+blocks, "jw -r 1301", "jw -b 1302 "+blocks, "jc")
		}
		image := readImage(f, path)
		var used []int
		for at := 0; at < len(image); at += 1024 {
			if b := image[at:][:1024]; b[0] != 0xff && !bytes.Equal(b, make([]byte, 1024)) {
				used = append(used, at)
			}
		}
		images, places = append(images, image), append(places, used)
	}
	return images, places
}

// patchSize is place (2 bytes), offset (2), value (4).
const patchSize = 8

// FuzzExt4 changes 32-bit words of metadata and then uses all of the
// filesystem. Checksums are not looked at unless verify is set, so that what
// is behind them is reached. Nothing may panic, run on or take much memory.
func FuzzExt4(f *testing.F) {
	images, places := fuzzImages(f)
	f.Add(byte(0), false, []byte{})
	f.Add(byte(1), true, []byte{})
	f.Add(byte(1), false, []byte{0, 0, 4, 0, 0, 0, 1, 0})
	f.Add(byte(2), false, []byte{9, 0, 12, 0, 0, 0, 1, 0, 2, 0, 0, 4, 1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, which byte, verify bool, patches []byte) {
		i := int(which) % len(images)
		image := memImage(bytes.Clone(images[i]))
		for ; len(patches) >= patchSize; patches = patches[patchSize:] {
			le := binary.LittleEndian
			at := places[i][int(le.Uint16(patches))%len(places[i])] + int(le.Uint16(patches[2:]))%1021
			copy(image[at:], patches[4:8])
		}
		fsys, err := open(image, verify)
		if err != nil {
			return
		}
		exercise(fsys)
	})
}

// exercise reads everything, up to limits, that a filesystem offers.
func exercise(f *FS) {
	names := 0
	buf := make([]byte, 64<<10)
	_ = iofs.WalkDir(f, ".", func(path string, d iofs.DirEntry, err error) error {
		if names++; names > 200 {
			return iofs.SkipAll
		}
		if err != nil {
			return nil
		}
		_, _ = f.Stat(path)
		_, _ = f.ReadLink(path)
		if file, err := f.Open(path); err == nil {
			if m, ok := file.(fs.Mapped); ok {
				_, _ = m.Extents()
				for n := 0; n < 16; n++ {
					if _, err := file.Read(buf); err != nil {
						break
					}
				}
				_, _ = m.ReadAt(buf, m.Size()-1000)
			}
		}
		return nil
	})
	for _, path := range []string{"file", "link", "comb", "sub/inner/leaf", "lost+found"} {
		if file, err := f.Open(path); err == nil {
			_, _ = io.CopyN(io.Discard, file, 1<<20)
		}
	}
}
