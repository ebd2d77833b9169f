package command

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"pvboot/loader/grub"
)

var cat = &grub.Command{
	Name: "cat", Usage: "FILE", Help: "Show the contents of a file.",
	Options: []grub.Option{{Long: "dos", Help: "Accept DOS-style CR/NL line endings."}},
	Run:     runCat,
}

func runCat(c *grub.Call) error {
	if len(c.Args) != 1 {
		return grub.Errorf(grub.BadArgument, "filename expected")
	}
	f, err := c.Interp.Open(c.Args[0])
	if err != nil {
		return err
	}
	defer f.Close()
	buf := make([]byte, 4096)
	for off := int64(0); off < f.Size() && !c.Interp.Stopped(); off += int64(len(buf)) {
		n, err := f.ReadAt(buf, off)
		if err != nil && !errors.Is(err, io.EOF) {
			return grub.Errorf(grub.FileReadError, "file `%s': %w", f, err)
		}
		c.Interp.Charge(100)
		c.Printf("%s", printable(buf[:n], c.Has("dos")))
	}
	c.Printf("\n")
	return nil
}

// printable shows bytes that are no text as <hex>.
func printable(b []byte, dos bool) string {
	var s strings.Builder
	for _, c := range b {
		switch {
		case c == '\r' && dos:
		case c >= ' ' && c < 0x7f || c >= 0x80 || c == '\n' || c == '\t':
			s.WriteByte(c)
		default:
			fmt.Fprintf(&s, "<%x>", c)
		}
	}
	return s.String()
}
