package command

import (
	"errors"
	"io"

	"pvboot/loader/grub"
)

var read = &grub.Command{
	Name: "read", Usage: "[-s] [ENVVAR]", Help: "Set variable with user input.",
	Options: []grub.Option{{Long: "silent", Short: 's', Help: "Do not echo input"}},
	Run:     runRead,
}

func runRead(c *grub.Call) error {
	line, err := c.Host().ReadLine(c.Context, !c.Has("silent"))
	if errors.Is(err, io.EOF) {
		return grub.ErrFalse
	}
	if err != nil || len(c.Args) == 0 {
		return err
	}
	return c.Env().Set(c.Args[0], line)
}
