package ext4

import (
	"fmt"
	"io"
	iofs "io/fs"

	"pvboot/loader/fs"
	"pvboot/loader/fs/tree"
)

// maxExtents bounds the list that Extents makes.
const maxExtents = 1 << 16

// data is an open regular file; it implements tree.Data and fs.Mapped's
// Extents.
type data struct{ inode *inode }

// Data opens a regular file for reading.
func (n *inode) Data() (tree.Data, error) {
	if n.mode.Type() != 0 {
		return nil, fmt.Errorf("ext4: inode %d: %w", n.number, iofs.ErrInvalid)
	}
	if n.flags&flagEncrypt != 0 {
		return nil, unsupported(n.place(), "unsupported feature encrypt")
	}
	if n.blockCount() > n.mapping.blocks() {
		return nil, n.corrupt("size %d", n.size)
	}
	return data{n}, nil
}

func (d data) Size() int64 { return d.inode.size }

func (d data) ReadAt(b []byte, off int64) (int, error) {
	size := d.inode.size
	switch {
	case off < 0:
		return 0, fmt.Errorf("ext4: inode %d: read at negative offset %d", d.inode.number, off)
	case len(b) == 0:
		return 0, nil
	case off >= size:
		return 0, io.EOF
	}
	n := int(min(int64(len(b)), size-off))
	if err := d.inode.readAt(b[:n], off); err != nil {
		return 0, err
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// readAt reads len(b) bytes that lie within the file's size. Each run of
// blocks that are neighbours on the device is one read into b.
func (n *inode) readAt(b []byte, off int64) error {
	if n.flags&flagInlineData != 0 {
		return n.readInline(b, off)
	}
	bs := int64(n.fs.sb.blockSize)
	for len(b) > 0 {
		skip := off % bs
		r, err := n.runAt(uint64(off/bs), uint64((skip+int64(len(b))+bs-1)/bs))
		if err != nil {
			return err
		}
		// A hole can be longer than any int64 of bytes; the wish is not.
		count := min(int64(r.count)*bs-skip, int64(len(b)))
		if r.physical == 0 {
			clear(b[:count])
		} else if err := n.fs.store.readAt(b[:count], int64(r.physical)*bs+skip); err != nil {
			return fmt.Errorf("ext4: inode %d: %w", n.number, err)
		}
		b, off = b[count:], off+count
	}
	return nil
}

// Extents lists where the file stands on the device.
func (d data) Extents() ([]fs.Extent, error) {
	n := d.inode
	if n.flags&flagInlineData != 0 {
		return nil, unsupported(n.place(), "data is inline, not in blocks of its own")
	}
	var out []fs.Extent
	bs := int64(n.fs.sb.blockSize)
	count := n.blockCount()
	for block := uint64(0); block < count; {
		r, err := n.runAt(block, count-block)
		if err != nil {
			return nil, err
		}
		if len(out) == maxExtents {
			return nil, fsError(fs.ErrUnsupported, n.place(), "more than %d extents", maxExtents)
		}
		e := fs.Extent{Offset: int64(r.logical) * bs, Physical: fs.Hole}
		e.Length = min(int64(r.count)*bs, n.size-e.Offset)
		if r.physical != 0 {
			if n.fs.store.pending.any(r.physical, r.count) {
				return nil, unsupported(n.place(), "data is pending in the journal")
			}
			e.Physical = int64(r.physical) * bs
		}
		out = append(out, e)
		block = r.end()
	}
	return out, nil
}
