package command

import (
	"bytes"

	"pvboot/loader/fs"
	"pvboot/loader/grub"
	"pvboot/loader/volume"
)

var saveEnv = &grub.Command{
	Name: "save_env", Usage: "[-f FILE] variable_name [...]", Help: "Save variables to environment block file.",
	Options: []grub.Option{envFile, skipSig},
	Run:     runSaveEnv,
}

func runSaveEnv(c *grub.Call) error {
	if len(c.Args) == 0 {
		return grub.Errorf(grub.BadArgument, "no variable is specified")
	}
	f, raw, block, err := openEnv(c)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, name := range c.Args {
		value, ok := c.Env().Lookup(name)
		if !ok {
			block.Delete(name)
		} else if err := block.Set(name, value); err != nil {
			return grub.Errorf(grub.BadArgument, "%w", err)
		}
	}
	out, err := block.Bytes()
	if err != nil {
		return grub.Errorf(grub.BadArgument, "`%s': %w", f, err)
	}
	if bytes.Equal(raw, out) {
		return nil
	}
	dev, err := c.Host().Volume(f.Device)
	if err == nil {
		err = overwrite(dev, f.File, raw, out)
	}
	if err != nil {
		return grub.Errorf(grub.WriteError, "`%s': %w", f, err)
	}
	return nil
}

// overwrite puts new in the place of a file's bytes, which are old. It
// writes nothing unless all of old is found where the file's extents say.
func overwrite(dev volume.Device, f fs.File, old, new []byte) error {
	w, ok := dev.(volume.WriterDevice)
	if !ok {
		return grub.Errorf(grub.WriteError, "disk is read-only")
	}
	m, ok := f.(fs.Mapped)
	if !ok {
		return grub.Errorf(grub.NotImplemented, "filesystem cannot be written")
	}
	extents, err := m.Extents()
	if err != nil {
		return err
	}
	if err := checkExtents(extents, int64(len(old)), dev.Size()); err != nil {
		return err
	}
	spans := make([]*span, len(extents))
	for i, e := range extents {
		if spans[i], err = readSpan(w, e, old); err != nil {
			return err
		}
	}
	for _, s := range spans {
		if err := s.write(w, new); err != nil {
			return err
		}
	}
	return nil
}

// checkExtents makes sure that extents are all of the file, once, on the
// device.
func checkExtents(extents []fs.Extent, size, device int64) error {
	next := int64(0)
	for i, e := range extents {
		switch {
		case e.Physical == fs.Hole:
			return grub.Errorf(grub.BadFileType, "sparse file not allowed")
		case e.Offset != next || e.Length <= 0 || e.Length > size-next,
			e.Physical < 0 || e.Physical > device-e.Length:
			return grub.Errorf(grub.BadFS, "extent %d is not a part of the file", i)
		}
		for j, o := range extents[:i] {
			if e.Physical < o.Physical+o.Length && o.Physical < e.Physical+e.Length {
				return grub.Errorf(grub.BadFS, "extents %d and %d overlap", j, i)
			}
		}
		next += e.Length
	}
	if next != size {
		return grub.Errorf(grub.BadFS, "extents hold %d bytes of %d", next, size)
	}
	return nil
}

// span is whole sectors around one extent.
type span struct {
	extent fs.Extent
	start  int64 // on the device, a multiple of the sector size
	sector int64
}

// readSpan finds an extent's sectors and compares their bytes.
func readSpan(w volume.WriterDevice, e fs.Extent, old []byte) (*span, error) {
	sector := int64(w.SectorSize())
	if sector <= 0 || sector > 1<<16 {
		return nil, grub.Errorf(grub.BadDevice, "sector size %d", sector)
	}
	s := &span{e, e.Physical - e.Physical%sector, sector}
	buf, err := s.read(w)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(s.part(buf), old[e.Offset:e.Offset+e.Length]) {
		return nil, grub.Errorf(grub.FileReadError, "invalid blocklist: other bytes stand at offset %d of the disk", e.Physical)
	}
	return s, nil
}

// read reads the span's sectors.
func (s *span) read(w volume.WriterDevice) ([]byte, error) {
	end := s.extent.Physical + s.extent.Length
	end += (s.sector - end%s.sector) % s.sector
	if end > w.Size() {
		return nil, grub.Errorf(grub.OutOfRange, "sector at offset %d is beyond the end of the disk", end-s.sector)
	}
	buf := make([]byte, end-s.start)
	if n, err := w.ReadAt(buf, s.start); n < len(buf) {
		return nil, grub.Errorf(grub.ReadError, "reading at offset %d of the disk: %w", s.start, err)
	}
	return buf, nil
}

// part is the extent's bytes among the span's.
func (s *span) part(buf []byte) []byte {
	skip := s.extent.Physical - s.start
	return buf[skip : skip+s.extent.Length]
}

// write puts the extent's share of a file's bytes into its sectors, and
// reads them back.
func (s *span) write(w volume.WriterDevice, file []byte) error {
	buf, err := s.read(w)
	if err != nil {
		return err
	}
	want := file[s.extent.Offset : s.extent.Offset+s.extent.Length]
	if bytes.Equal(s.part(buf), want) {
		return nil
	}
	copy(s.part(buf), want)
	if _, err := w.WriteAt(buf, s.start); err != nil {
		return grub.Errorf(grub.WriteError, "writing at offset %d of the disk: %w", s.start, err)
	}
	back, err := s.read(w)
	if err != nil {
		return err
	}
	if !bytes.Equal(back, buf) {
		return grub.Errorf(grub.WriteError, "the disk does not hold what was written at offset %d", s.start)
	}
	return nil
}
