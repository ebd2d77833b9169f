package command

import (
	"fmt"
	"strings"

	"pvboot/loader/grub"
)

var help = &grub.Command{
	Name: "help", Usage: "[PATTERN ...]", Help: "Show a help message.",
	Run: runHelp,
}

// runHelp lists all commands in two columns, or shows the manual of those
// whose names begin with a pattern.
func runHelp(c *grub.Call) error {
	all := c.Interp.Commands()
	if len(c.Args) == 0 {
		for i, cmd := range all {
			line := fmt.Sprintf("%.38s", strings.TrimSpace(cmd.Name+" "+cmd.Usage))
			if i%2 == 0 && i < len(all)-1 {
				c.Printf("%-40s", line)
			} else {
				c.Printf("%s\n", line)
			}
		}
		return nil
	}
	shown := 0
	for _, pattern := range c.Args {
		for _, cmd := range all {
			if !strings.HasPrefix(cmd.Name, pattern) {
				continue
			}
			if shown++; shown > 1 {
				c.Printf("\n")
			}
			c.Printf("%s", cmd.Manual())
		}
	}
	return nil
}
