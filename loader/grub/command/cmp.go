package command

import (
	"errors"
	"io"

	"pvboot/loader/grub"
)

var cmp = &grub.Command{
	Name: "cmp", Usage: "FILE1 FILE2", Help: "Compare two files.",
	Options: []grub.Option{{Short: 'v', Help: "Enable verbose output"}},
	Run:     runCmp,
}

func runCmp(c *grub.Call) error {
	if len(c.Args) != 2 {
		return grub.Errorf(grub.BadArgument, "two arguments expected")
	}
	var files [2]*grub.File
	for i, name := range c.Args {
		f, err := c.Interp.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		files[i] = f
	}
	if a, b := files[0].Size(), files[1].Size(); a != b {
		say(c, "Files differ in size: %d [%s], %d [%s]\n", a, c.Args[0], b, c.Args[1])
		return grub.ErrFalse
	}
	return compare(c, files)
}

// compare looks for the first byte that differs in files of one size.
func compare(c *grub.Call, files [2]*grub.File) error {
	var bufs [2][4096]byte
	for off := int64(0); off < files[0].Size() && !c.Interp.Stopped(); off += int64(len(bufs[0])) {
		n := min(int64(len(bufs[0])), files[0].Size()-off)
		for i, f := range files {
			if got, err := f.ReadAt(bufs[i][:n], off); int64(got) < n {
				if err == nil || errors.Is(err, io.EOF) {
					err = io.ErrUnexpectedEOF
				}
				return grub.Errorf(grub.FileReadError, "file `%s': %w", f, err)
			}
		}
		c.Interp.Charge(20)
		for i := range n {
			if a, b := bufs[0][i], bufs[1][i]; a != b {
				say(c, "Files differ at the offset %d: 0x%x [%s], 0x%x [%s]\n", off+i, a, c.Args[0], b, c.Args[1])
				return grub.ErrFalse
			}
		}
	}
	say(c, "The files are identical.\n")
	return nil
}

func say(c *grub.Call, format string, args ...any) {
	if c.Has("v") {
		c.Printf(format, args...)
	}
}
