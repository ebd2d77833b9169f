package command

import (
	"strings"

	"pvboot/loader/grub"
)

var echo = &grub.Command{
	Name: "echo", Usage: "[-e|-n] STRING", Help: "Display a line of text.",
	Options: []grub.Option{
		{Short: 'n', Help: "Do not output the trailing newline."},
		{Short: 'e', Help: "Enable interpretation of backslash escapes."},
	},
	Flags: grub.AcceptDash | grub.OptionsAtStart,
	Run:   runEcho,
}

func runEcho(c *grub.Call) error {
	text, newline := strings.Join(c.Args, " "), !c.Has("n")
	if c.Has("e") {
		var stop bool
		if text, stop = unescape(text); stop {
			newline = false
		}
	}
	if newline {
		text += "\n"
	}
	c.Printf("%s", text)
	return nil
}

var escapes = map[byte]byte{
	'\\': '\\', 'a': '\a', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v',
}

// unescape resolves backslash escapes; unknown ones vanish. stop says that
// \c was there: no newline at the end.
func unescape(s string) (out string, stop bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		if i++; i == len(s) {
			break
		}
		if r, ok := escapes[s[i]]; ok {
			b.WriteByte(r)
		} else if s[i] == 'c' {
			stop = true
		}
	}
	return b.String(), stop
}
