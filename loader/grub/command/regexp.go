package command

import (
	gorx "regexp"
	"strconv"
	"strings"

	"pvboot/loader/grub"
)

var regexp = &grub.Command{
	Name: "regexp", Usage: "REGEXP STRING", Help: "Test if REGEXP matches STRING.",
	Options: []grub.Option{
		{Long: "set", Short: 's', Arg: "[NUMBER:]VARNAME", Help: "Store matched component NUMBER in VARNAME.", Flags: grub.Repeatable},
	},
	Run: runRegexp,
}

// maxRegexp bounds the expression in bytes; a match takes time in proportion
// to expression and text, whatever they are.
const maxRegexp = 4096

// runRegexp matches with POSIX syntax and leftmost-longest rules.
func runRegexp(c *grub.Call) error {
	if len(c.Args) != 2 {
		return grub.Errorf(grub.BadArgument, "two arguments expected")
	}
	if len(c.Args[0]) > maxRegexp {
		return grub.Errorf(grub.OutOfRange, "regular expression longer than %d bytes", maxRegexp)
	}
	c.Interp.Charge(len(c.Args[0]) * (1 + len(c.Args[1])/64))
	rx, err := gorx.CompilePOSIX(c.Args[0])
	if err != nil {
		return grub.ErrFalse
	}
	m := rx.FindStringSubmatchIndex(c.Args[1])
	if m == nil {
		return grub.ErrFalse
	}
	for _, spec := range c.Values("set") {
		if err := setMatch(c, spec, m); err != nil {
			return err
		}
	}
	return nil
}

// setMatch stores one group, the first when the specification has no number.
func setMatch(c *grub.Call, spec string, m []int) error {
	number, name, ok := strings.Cut(spec, ":")
	group := 1
	if !ok {
		name = spec
	} else if n, err := strconv.ParseUint(number, 10, 16); err == nil {
		group = int(n)
	} else {
		return grub.Errorf(grub.BadArgument, "invalid variable name format %s", spec)
	}
	if 2*group >= len(m) || m[2*group] < 0 {
		c.Env().Unset(name)
		return nil
	}
	return c.Env().Set(name, c.Args[1][m[2*group]:m[2*group+1]])
}
