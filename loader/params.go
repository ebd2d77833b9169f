package loader

import (
	"fmt"
	"strings"
)

// Param is a variable that the loader's command line sets.
type Param struct{ Name, Value string }

// paramPrefix begins the names that become GRUB variables, prefix included.
const paramPrefix = "xen_grub_env_"

// maxCmdLine is Xen's MAX_GUEST_CMDLINE (public/xen.h); a PVH guest's may be
// longer and is bounded by the same.
const maxCmdLine = 1024

// Params reads the variables from a command line, by the rules that GRUB 2.14
// documents for its Xen platforms: words are separated by spaces; single and double quotes and backslashes keep spaces
// and each other; NAME=VALUE sets a variable and NAME alone sets it to "1";
// only names that begin with xen_grub_env_ and hold nothing but letters and
// underscores count, everything else is for others. A line with a character
// that is not printable ASCII is refused as a whole.
func Params(line string) ([]Param, error) {
	if len(line) > maxCmdLine {
		return nil, fmt.Errorf("command line: longer than %d bytes", maxCmdLine)
	}
	words, err := splitWords(line)
	if err != nil {
		return nil, fmt.Errorf("command line: %w", err)
	}
	var params []Param
	for _, word := range words {
		name, value, found := strings.Cut(word, "=")
		if !found {
			value = "1"
		}
		if strings.HasPrefix(name, paramPrefix) && paramName(name) {
			params = append(params, Param{name, value})
		}
	}
	return params, nil
}

// paramName tells whether a name holds letters and underscores only.
func paramName(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return r != '_' && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0
}

// splitWords splits a line at its unquoted spaces. Quotes that do not end
// reach to the end of the line; a backslash at the end is dropped.
func splitWords(line string) ([]string, error) {
	var words []string
	var word []byte
	var quote byte
	escaped := false
	for i := range len(line) {
		c := line[i]
		switch {
		case c < ' ' || c > '~':
			return nil, fmt.Errorf("column %d: not a printable ASCII character", i+1)
		case escaped:
			escaped = false
			word = append(word, c)
		case c == '\\':
			escaped = true
		case c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && c == ' ':
			if len(word) > 0 {
				words = append(words, string(word))
			}
			word = word[:0]
		default:
			word = append(word, c)
		}
	}
	if len(word) > 0 {
		words = append(words, string(word))
	}
	return words, nil
}

// setParams sets and exports the variables of the command line.
func (s *session) setParams() error {
	// The word that another loader put before the line takes none of its room.
	params, err := Params(strings.TrimPrefix(s.CmdLine, chainedWord+" "))
	if err != nil {
		return err
	}
	for _, p := range params {
		if err := s.export(p.Name, p.Value); err != nil {
			return err
		}
	}
	return nil
}

// export sets a variable that nested menus see too.
func (s *session) export(name, value string) error {
	env := s.interp.Env()
	if err := env.Set(name, value); err != nil {
		return fmt.Errorf("variable %s: %w", name, err)
	}
	if err := env.Export(name); err != nil {
		return fmt.Errorf("variable %s: %w", name, err)
	}
	return nil
}
