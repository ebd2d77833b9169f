// Package ext4 reads ext2, ext3 and ext4 filesystems. It follows the Linux
// kernel's description of the format (Documentation/filesystems/ext4) and of
// its journal, and sees what Linux would see after mounting: a journal that
// was not replayed is read through, in memory, and the device is never
// written.
//
// Nothing on the device is trusted. Checksums are verified where the
// filesystem has them, every number is checked before use, and what does not
// fit is an error that wraps fs.ErrCorrupt and names the inode or block.
package ext4

import (
	"fmt"

	"pvboot/loader/fs"
	"pvboot/loader/fs/tree"
	"pvboot/loader/volume"
)

// FS is an open filesystem. It is safe for concurrent use.
type FS struct {
	tree.FS
	sb    *superblock
	store *store
}

var _ fs.FS = (*FS)(nil)

// Type is "ext2", GRUB's name for the whole family.
func (f *FS) Type() string { return "ext2" }

// UUID is the filesystem's UUID in lower case.
func (f *FS) UUID() string { return f.sb.uuidString() }

// Label is the volume name.
func (f *FS) Label() string { return f.sb.label }

// Open reads the superblock, the journal if it needs recovery, and the root
// directory's inode. The error wraps fs.ErrUnknown if the device holds no
// ext2, ext3 or ext4.
func Open(dev volume.Device) (*FS, error) { return open(dev, true) }

// open is Open; without verify no checksum is looked at, so that fuzzing
// reaches what they protect.
func open(dev volume.Device, verify bool) (*FS, error) {
	sb, err := readSuperblock(dev, verify)
	if err != nil {
		return nil, err
	}
	f := &FS{sb: sb, store: newStore(dev, sb, nil)}
	if sb.incompat&incompatRecover != 0 {
		pending, err := f.replay()
		if err != nil {
			return nil, err
		}
		if len(pending) > 0 {
			if f, err = f.reopen(dev, pending, verify); err != nil {
				return nil, err
			}
		}
	}
	root, err := f.inode(rootInode)
	if err != nil {
		return nil, err
	}
	if !root.Mode().IsDir() {
		return nil, root.corrupt("root is not a directory")
	}
	f.FS = tree.FS{Kind: "ext4", Top: root}
	return f, nil
}

// reopen starts anew from the superblock as the journal left it.
func (f *FS) reopen(dev volume.Device, pending overlay, verify bool) (*FS, error) {
	store := newStore(dev, f.sb, pending)
	var b [superblockSize]byte
	if err := store.readAt(b[:], superblockOffset); err != nil {
		return nil, fmt.Errorf("ext4: superblock: %w", err)
	}
	sb, err := parseSuperblock(b[:], dev.Size(), verify)
	if err != nil {
		return nil, fmt.Errorf("after journal replay: %w", err)
	}
	if sb.blockSize != f.sb.blockSize {
		return nil, corrupt("journal", "changes the block size from %d to %d", f.sb.blockSize, sb.blockSize)
	}
	return &FS{sb: sb, store: newStore(dev, sb, pending)}, nil
}
