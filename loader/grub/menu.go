package grub

import (
	"strconv"
	"strings"

	"pvboot/loader/grub/script"
)

// Menu is the entries that a script defined, in order.
type Menu struct {
	Entries []*Entry

	size int // bytes, against Limits.Memory
}

// Entry is a menuentry or submenu.
type Entry struct {
	Title      string
	ID         string   // the title where --id was not given
	Args       []string // $1 and on for the body; Args[0] is the title
	Classes    []string
	Hotkey     string // as given: "a", "f2", "delete"; "" for none
	Users      string
	Restricted bool // --unrestricted was not given
	Submenu    bool

	Source string // the body's text, for an editor
	Name   string // of the script that holds it
	At     script.Pos

	body script.List // nil where only Source is known
}

// Find resolves the first level of a specification as `default` holds it
// (number, title or id, then '>' and the next level; ">>" stands for '>' in
// a title): the entry's index, or -1.
func (m *Menu) Find(spec string) int {
	if n, _, ok := leadingNumber(spec); ok {
		if n < len(m.Entries) {
			return n
		}
		return -1
	}
	for i, e := range m.Entries {
		if names(spec, e.Title) || names(spec, e.ID) {
			return i
		}
	}
	return -1
}

// Default is the index of the entry that `default` names, 0 when it names
// none.
func (m *Menu) Default(env *Env) int { return max(0, m.Find(env.Get("default"))) }

// Fallback takes the first entry off `fallback`, a list of numbers, and
// gives its index, -1 when there is none. GRUB takes a single title or id,
// too.
func (m *Menu) Fallback(env *Env) int {
	value := env.Get("fallback")
	if value == "" {
		return -1
	}
	n, rest, ok := leadingNumber(value)
	if !ok {
		n, rest = m.Find(value), ""
	}
	if rest = strings.TrimSpace(rest); rest != "" {
		env.Set("fallback", rest)
	} else {
		env.Unset("fallback")
	}
	if n >= len(m.Entries) {
		return -1
	}
	return n
}

// leadingNumber reads the number that s begins with, decimal, hex (0x) or
// octal (0), as GRUB's grub_strtoul takes it.
func leadingNumber(s string) (n int, rest string, ok bool) {
	t := strings.TrimLeft(s, " \t")
	base, digits := 10, "0123456789"
	switch {
	case strings.HasPrefix(t, "0x"):
		base, digits, t = 16, "0123456789abcdefABCDEF", t[2:]
	case strings.HasPrefix(t, "0"):
		base, digits = 8, "01234567"
	}
	end := len(t) - len(strings.TrimLeft(t, digits))
	v, err := strconv.ParseUint(t[:end], base, 31)
	if err != nil {
		return 0, s, false
	}
	return int(v), t[end:], true
}

// names says whether the first level of spec is name.
func names(spec, name string) bool {
	for {
		end := strings.HasPrefix(spec, ">") && !strings.HasPrefix(spec, ">>")
		if spec == "" || end || name == "" {
			return name == "" && (spec == "" || end)
		}
		if strings.HasPrefix(spec, ">>") {
			spec = spec[1:]
		}
		if spec[0] != name[0] {
			return false
		}
		spec, name = spec[1:], name[1:]
	}
}

// below is what remains of a specification under its first level.
func below(spec string) string {
	for i := 0; i < len(spec); i++ {
		if spec[i] != '>' {
			continue
		}
		if i+1 < len(spec) && spec[i+1] == '>' {
			i++
			continue
		}
		return spec[i+1:]
	}
	return ""
}
