package command

import (
	"strconv"
	"time"

	"pvboot/loader/grub"
)

var sleep = &grub.Command{
	Name: "sleep", Usage: "NUMBER_OF_SECONDS", Help: "Wait for a specified number of seconds.",
	Options: []grub.Option{
		{Long: "verbose", Short: 'v', Help: "Verbose countdown."},
		{Long: "interruptible", Short: 'i', Help: "Allow to interrupt with ESC."},
	},
	Run: runSleep,
}

func runSleep(c *grub.Call) error {
	if len(c.Args) != 1 {
		return grub.Errorf(grub.BadArgument, "one argument expected")
	}
	n, err := strconv.ParseUint(c.Args[0], 10, 31)
	if err != nil {
		return nil // GRUB takes a broken number for 0
	}
	for ; n > 0; n-- {
		if c.Has("verbose") {
			c.Printf("\r%d    ", n)
		}
		stopped, err := c.Host().Sleep(c.Context, time.Second, c.Has("interruptible"))
		if err != nil {
			return err
		}
		if stopped {
			return grub.ErrFalse
		}
		c.Interp.Charge(1)
		if c.Context.Err() != nil {
			return grub.ErrFalse
		}
	}
	if c.Has("verbose") {
		c.Printf("\r0    ")
	}
	return nil
}
