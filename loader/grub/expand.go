package grub

import (
	"fmt"
	"strconv"
	"strings"

	"pvboot/loader/grub/script"
)

// words collects expanded words. While they grow, wildcard characters that
// must not match stand behind a backslash, as in GRUB.
type words struct {
	list [][]byte // the last one is nil until something is appended
	size int
	max  int // bytes of all
	word int // bytes of one
	err  error
}

// next starts a new word, unless the last one is still without anything.
func (w *words) next() {
	if n := len(w.list); n > 0 && w.list[n-1] == nil {
		return
	}
	w.grow(32)
	w.list = append(w.list, nil)
}

// add appends to the last word; even "" makes it a word.
func (w *words) add(s string) {
	if w.grow(len(s)); w.err != nil {
		return
	}
	last := &w.list[len(w.list)-1]
	if *last == nil {
		*last = []byte{}
	}
	*last = append(*last, s...)
	if len(*last) > w.word {
		w.err = fmt.Errorf("%w: word longer than %d bytes", ErrLimit, w.word)
	}
}

func (w *words) grow(n int) {
	if w.size += n; w.size > w.max && w.err == nil {
		w.err = fmt.Errorf("%w: more than %d bytes of arguments", ErrLimit, w.max)
	}
}

// expand makes a command's words: variables, splitting, quotes, wildcards.
func (in *Interp) expand(list []script.Word) ([]string, error) {
	w := &words{max: in.limits.Memory, word: in.limits.Word}
	for _, word := range list {
		w.next()
		for _, p := range word.Parts {
			in.expandPart(w, p)
		}
		if w.err != nil {
			return nil, w.err
		}
	}
	if n := len(w.list); n > 0 && w.list[n-1] == nil {
		w.list = w.list[:n-1]
	}
	in.Charge(w.size / 256)
	var out []string
	for _, b := range w.list {
		found, err := in.glob(string(b))
		if err != nil {
			return nil, err
		}
		if found == nil {
			found = []string{unescape(string(b))}
		}
		out = append(out, found...)
	}
	return out, in.stop
}

func (in *Interp) expandPart(w *words, p script.Part) {
	switch p.Kind {
	case script.Text:
		w.add(p.Text)
	case script.Single, script.Double:
		w.add(escape(p.Text))
	case script.Gettext:
		w.add(escape(in.gettext(p.Text)))
	case script.Var, script.DoubleVar:
		in.expandVar(w, p.Text, p.Kind == script.DoubleVar)
	}
}

// expandVar adds a variable's value; outside quotes it splits at blanks and
// its wildcards stay alive.
func (in *Interp) expandVar(w *words, name string, quoted bool) {
	values := in.values(name)
	if name == "*" && quoted && len(values) > 0 {
		values = []string{strings.Join(values, " ")}
	}
	for i, v := range values {
		if i > 0 {
			w.next()
		}
		if quoted {
			w.add(escape(v))
			continue
		}
		for j, f := range fields(v) {
			if j > 0 {
				w.next()
			}
			w.add(escapeBackslash(f))
		}
		if w.err != nil {
			return
		}
	}
}

// fields splits at blanks, newlines too.
func fields(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' && strings.ContainsRune(" \t\n\r\v\f", r) })
}

// values are a variable's values: one, several for $@ and $*, none when it
// is empty or not set.
func (in *Interp) values(name string) []string {
	if !special(name) {
		if v := in.env.Get(name); v != "" {
			return []string{v}
		}
		return nil
	}
	if in.scope == nil {
		return nil
	}
	args := in.scope.args
	switch name {
	case "#":
		return []string{strconv.Itoa(len(args))}
	case "@", "*":
		return args
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 1 && n <= len(args) {
		return args[n-1 : n]
	}
	return nil
}

// gettext resolves variables and escapes of $"…". There are no translations,
// which is what GRUB does for a language that it has none for.
func (in *Interp) gettext(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '\\' || s[i+1] == '$'):
			i++
			b.WriteByte(s[i])
		case s[i] == '$':
			name, n := script.Variable(s[i+1:])
			if n == 0 {
				b.WriteByte('$')
				continue
			}
			i += n
			if v := in.values(name); len(v) > 0 && (!special(name) || name == "#") {
				b.WriteString(v[0])
			}
		default:
			b.WriteByte(s[i])
		}
		if b.Len() > in.limits.Word {
			return b.String() // add refuses it
		}
	}
	return b.String()
}

var (
	quoter          = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`)
	backslashQuoter = strings.NewReplacer(`\*`, `\\\*`, `\?`, `\\\?`, `\`, `\\`)
)

// escape takes the meaning from wildcard characters.
func escape(s string) string { return quoter.Replace(s) }

// escapeBackslash does so with backslashes, and wildcards behind them.
func escapeBackslash(s string) string { return backslashQuoter.Replace(s) }

// unescape is what is left of a word that no wildcard matched.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}
