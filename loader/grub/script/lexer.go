package script

import (
	"fmt"
	"strings"
)

// kind of a token. Operators that GRUB's lexer knows but its grammar has no
// use for (&& || | & < > ;; [[ ]]) are all tokOther: always unexpected.
type token int

const (
	tokEOF token = iota
	tokNewline
	tokSemi
	tokOpen  // {
	tokClose // }
	tokOther
	tokReserved // if then fi … as a plain word
	tokName     // word that is an identifier
	tokWord
)

// reserved words; case, esac and select are reserved but have no meaning.
var reserved = map[string]bool{
	"case": true, "do": true, "done": true, "elif": true, "else": true,
	"esac": true, "fi": true, "for": true, "if": true, "in": true,
	"select": true, "then": true, "until": true, "while": true, "function": true,
}

// lexeme is one token with its place.
type lexeme struct {
	token token
	raw   string // as it stands in the source
	at    Pos
	word  Word // tokReserved, tokName, tokWord
}

// isWord says whether the token can be a command's argument.
func (l lexeme) isWord() bool { return l.token >= tokReserved }

// lexer splits a script into tokens.
type lexer struct {
	name string
	src  string
	pos  Pos

	textEnd int // offset after the last run of plain text
}

// next reads one token.
func (l *lexer) next() (lexeme, error) {
	l.skipBlanks()
	at := l.pos
	if at.Offset == len(l.src) {
		return lexeme{token: tokEOF, at: at}, nil
	}
	rest := l.src[at.Offset:]
	for _, op := range operators {
		if strings.HasPrefix(rest, op.text) {
			l.advance(len(op.text))
			return lexeme{token: op.token, raw: op.text, at: at}, nil
		}
	}
	return l.word()
}

// operators, longest first where one begins another.
var operators = []struct {
	text  string
	token token
}{
	{"\n", tokNewline},
	{"||", tokOther}, {"&&", tokOther}, {";;", tokOther},
	{"|", tokOther}, {"&", tokOther}, {";", tokSemi}, {"<", tokOther}, {">", tokOther},
	{"{", tokOpen}, {"}", tokClose},
}

// skipBlanks passes blanks and comments. A comment begins where a token
// could and ends before the newline.
func (l *lexer) skipBlanks() {
	for l.pos.Offset < len(l.src) {
		switch l.src[l.pos.Offset] {
		case ' ', '\t':
			l.advance(1)
		case '#':
			l.skipLine()
		default:
			return
		}
	}
}

// skipLine goes to the next newline, but not over it.
func (l *lexer) skipLine() {
	n := strings.IndexByte(l.src[l.pos.Offset:], '\n')
	if n < 0 {
		n = len(l.src) - l.pos.Offset
	}
	l.advance(n)
}

// advance moves n bytes on and keeps line and column.
func (l *lexer) advance(n int) {
	s := l.src[l.pos.Offset : l.pos.Offset+n]
	if i := strings.LastIndexByte(s, '\n'); i >= 0 {
		l.pos.Line += strings.Count(s, "\n")
		l.pos.Col = len(s) - i
	} else {
		l.pos.Col += n
	}
	l.pos.Offset += n
}

func (l *lexer) errorf(at Pos, format string, args ...any) error {
	return &Error{Name: l.name, Pos: at, Msg: fmt.Sprintf(format, args...)}
}
