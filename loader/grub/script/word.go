package script

import "strings"

// maxParts bounds the variables and quoted pieces of one word.
const maxParts = 4096

// word reads a word: plain characters, escapes, quotes and variables in any
// mix, up to a blank or an operator.
func (l *lexer) word() (lexeme, error) {
	at := l.pos
	w := Word{At: at}
	for l.pos.Offset < len(l.src) {
		if len(w.Parts) > maxParts {
			return lexeme{token: tokOther, at: at}, l.errorf(at, "word of more than %d parts", maxParts)
		}
		c := l.src[l.pos.Offset]
		var err error
		switch {
		case strings.IndexByte("{}|&;<> \t\n", c) >= 0:
			return l.classify(w), nil
		case c == '\'':
			err = l.single(&w)
		case c == '"':
			l.advance(1)
			err = l.double(&w, l.pos)
		case c == '$' && strings.HasPrefix(l.src[l.pos.Offset:], `$"`):
			err = l.gettext(&w)
		case c == '$':
			err = l.variable(&w, Var)
		case c == '\\':
			err = l.escape(&w)
		default:
			l.text(&w, plainLen(l.src[l.pos.Offset:]))
		}
		if err != nil {
			return lexeme{token: tokOther, at: at}, err
		}
	}
	return l.classify(w), nil
}

// plainLen counts the characters that stand for themselves.
func plainLen(s string) int {
	if n := strings.IndexAny(s, "{}|&$;<> \t\n'\"\\"); n >= 0 {
		return n
	}
	return len(s)
}

// classify makes the token: reserved words and names only count as such
// when nothing in them was quoted.
func (l *lexer) classify(w Word) lexeme {
	raw := l.src[w.At.Offset:l.pos.Offset]
	lx := lexeme{token: tokWord, raw: raw, at: w.At, word: w}
	switch {
	case reserved[raw]:
		lx.token = tokReserved
	case raw == "[[" || raw == "]]":
		lx.token = tokOther
	case nameLen(raw) == len(raw):
		lx.token = tokName
	}
	return lx
}

// add appends a part to the word.
func (w *Word) add(k Kind, text string) {
	w.Parts = append(w.Parts, Part{k, text})
}

// text takes n characters outside quotes, into the last part when that is
// the text just before them.
func (l *lexer) text(w *Word, n int) {
	start, end := l.pos.Offset, l.pos.Offset+n
	l.advance(n)
	if k := len(w.Parts); k > 0 && l.textEnd == start && w.Parts[k-1].Kind == Text {
		start -= len(w.Parts[k-1].Text)
		w.Parts = w.Parts[:k-1]
	}
	w.add(Text, l.src[start:end])
	l.textEnd = end
}

// escape reads a backslash outside quotes. It stays in the text, because
// wildcard matching must see it; a newline after it vanishes with it.
func (l *lexer) escape(w *Word) error {
	rest := l.src[l.pos.Offset:]
	if rest == "\\" || rest == "\\\n" {
		e := l.errorf(l.pos, "unexpected end of file after %q", "\\").(*Error)
		e.Incomplete = true
		l.advance(len(rest))
		return e
	}
	if rest[1] == '\n' {
		l.advance(2)
		return nil
	}
	l.text(w, 2)
	return nil
}

// single reads '…'.
func (l *lexer) single(w *Word) error {
	at := l.pos
	n := strings.IndexByte(l.src[at.Offset+1:], '\'')
	if n < 0 {
		return l.unterminated(at, "'")
	}
	w.add(Single, l.src[at.Offset+1:at.Offset+1+n])
	l.advance(n + 2)
	return nil
}

// double reads the rest of "…", whose first character stands at start.
// Inside, \$ \\ \" lose their backslash and backslash-newline vanishes.
func (l *lexer) double(w *Word, start Pos) error {
	var b strings.Builder
	for l.pos.Offset < len(l.src) && len(w.Parts) <= maxParts {
		c := l.src[l.pos.Offset]
		switch c {
		case '"':
			l.advance(1)
			w.add(Double, b.String())
			return nil
		case '$':
			w.add(Double, b.String())
			b.Reset()
			if err := l.variable(w, DoubleVar); err != nil {
				return err
			}
			continue
		case '\\':
			if l.pos.Offset+1 < len(l.src) {
				l.unescapeDouble(&b)
				continue
			}
		}
		b.WriteByte(c)
		l.advance(1)
	}
	start.Offset--
	start.Col--
	if len(w.Parts) > maxParts {
		return l.errorf(start, "word of more than %d parts", maxParts)
	}
	return l.unterminated(start, `"`)
}

// unescapeDouble handles a backslash inside "…".
func (l *lexer) unescapeDouble(b *strings.Builder) {
	switch next := l.src[l.pos.Offset+1]; next {
	case '$', '\\', '"':
		b.WriteByte(next)
	case '\n':
	default:
		b.WriteByte('\\')
		b.WriteByte(next)
	}
	l.advance(2)
}

// gettext reads $"…": only \" and backslash-newline are resolved here,
// variables and other escapes after translation.
func (l *lexer) gettext(w *Word) error {
	at := l.pos
	l.advance(2)
	var b strings.Builder
	for l.pos.Offset < len(l.src) {
		rest := l.src[l.pos.Offset:]
		switch {
		case rest[0] == '"':
			l.advance(1)
			w.add(Gettext, b.String())
			return nil
		case rest[0] != '\\' || len(rest) == 1:
			b.WriteByte(rest[0])
			l.advance(1)
			continue
		case rest[1] == '"':
			b.WriteByte('"')
		case rest[1] == '\n':
		default:
			b.WriteString(rest[:2])
		}
		l.advance(2)
	}
	return l.unterminated(at, `$"`)
}

// variable reads $name, $1, $?, and the same in braces.
func (l *lexer) variable(w *Word, k Kind) error {
	name, n := Variable(l.src[l.pos.Offset+1:])
	if n == 0 {
		return l.errorf(l.pos, "unexpected %q: no variable name follows", "$")
	}
	w.add(k, name)
	l.advance(1 + n)
	return nil
}

// Variable reads a variable reference that stands after a '$': its name and
// length in bytes, 0 when there is none.
func Variable(s string) (name string, n int) {
	if strings.HasPrefix(s, "{") {
		if n = referenceLen(s[1:]); n > 0 && strings.HasPrefix(s[1+n:], "}") {
			return s[1 : 1+n], n + 2
		}
		return "", 0
	}
	n = referenceLen(s)
	return s[:n], n
}

// referenceLen is the length of a name, a number or one of ? # * @.
func referenceLen(s string) int {
	if s == "" {
		return 0
	}
	if strings.IndexByte("?#*@", s[0]) >= 0 {
		return 1
	}
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	if n > 0 {
		return n
	}
	return nameLen(s)
}

// nameLen is the length of the identifier that s begins with.
func nameLen(s string) int {
	n := 0
	for n < len(s) && (isAlpha(s[n]) || s[n] == '_' || n > 0 && isDigit(s[n])) {
		n++
	}
	return n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func (l *lexer) unterminated(at Pos, quote string) error {
	l.advance(len(l.src) - l.pos.Offset)
	e := l.errorf(at, "unterminated %s", quote).(*Error)
	e.Incomplete = true
	return e
}
