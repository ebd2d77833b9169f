package testdisk

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	"pvboot/internal/cpio"
	"pvboot/internal/kmod"
)

// initScript is the initrd's init process.
//
//go:embed init.sh
var initScript []byte

// busyboxNames are the commands that init.sh and a person in its shell use.
var busyboxNames = []string{
	"sh", "mount", "mkdir", "cat", "grep", "echo", "dd", "ls", "sleep", "sha256sum",
	"insmod", "mknod", "poweroff", "reboot", "setsid", "cttyhack", "dmesg", "hexdump",
}

// initrd returns the initrd: a plain archive with padding, and behind it a
// compressed one. Debian's initrds have the same shape, with microcode in the
// place of the padding. (Without a plain one in front, xl would decompress the
// initrd, and a domain would see another one than a loader gives it.)
func (d *disk) initrd() ([]byte, error) {
	main, err := d.initrdArchive()
	if err != nil {
		return nil, err
	}
	room := minPadding
	if d.InitrdMiB != 0 {
		room = d.InitrdMiB*mib - len(main)
	}
	if room < minPadding {
		return nil, fmt.Errorf("initrd of %d bytes is larger than %d MiB", len(main), d.InitrdMiB)
	}
	padding, err := paddingArchive(room)
	return append(padding, main...), err
}

// minPadding is the size in bytes of the plain archive that has no size asked
// for.
const minPadding = 4096

func (d *disk) initrdArchive() ([]byte, error) {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	w := cpio.NewWriter(z)
	if err := d.initrdFiles(w); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	// The kernel looks for the next archive at multiples of four bytes.
	return append(out.Bytes(), make([]byte, -out.Len()&3)...), nil
}

func (d *disk) initrdFiles(w *cpio.Writer) error {
	busybox, err := os.ReadFile(d.Busybox)
	if err != nil {
		return err
	}
	if err := w.File("bin/busybox", 0o755, busybox); err != nil {
		return err
	}
	for _, name := range busyboxNames {
		if err := w.Symlink("bin/"+name, "busybox"); err != nil {
			return err
		}
	}
	if err := w.File("init", 0o755, initScript); err != nil {
		return err
	}
	if err := w.Device("dev/console", 0o600, 5, 1); err != nil {
		return err
	}
	return d.initrdModules(w, architectures[d.Arch].modules)
}

// initrdModules adds modules and what they need, numbered in the order in which
// they must be inserted.
func (d *disk) initrdModules(w *cpio.Writer, names []string) error {
	if len(names) == 0 {
		return nil
	}
	tree, err := kmod.Open(d.Kernel.Modules)
	if err != nil {
		return err
	}
	modules, err := tree.Resolve(names...)
	if err != nil {
		return err
	}
	for i, m := range modules {
		if err := w.File(fmt.Sprintf("modules/%02d-%s.ko", i, m.Name), 0o644, m.Data); err != nil {
			return err
		}
	}
	return nil
}

// paddingArchive returns an archive of exactly size bytes that holds a file of
// data that cannot be compressed, and the file's checksum. The size is what is
// left of whole MiB, so a multiple of four.
func paddingArchive(size int) ([]byte, error) {
	// Names, headers and the end of the archive take less than this; zeros,
	// which the kernel skips, fill up the rest.
	const overhead = 1024
	data := make([]byte, size-overhead)
	random := rand.NewChaCha8([32]byte{'p', 'a', 'd'})
	if _, err := io.ReadFull(random, data); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.Grow(size)
	w := cpio.NewWriter(&out)
	if err := w.File("padding.sha256", 0o644, fmt.Appendf(nil, "%x  /padding\n", sha256.Sum256(data))); err != nil {
		return nil, err
	}
	if err := w.File("padding", 0o644, data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if out.Len() > size {
		return nil, fmt.Errorf("padding of %d bytes takes %d", size, out.Len())
	}
	return append(out.Bytes(), make([]byte, size-out.Len())...), nil
}
