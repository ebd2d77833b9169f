package script

import (
	"slices"
	"strconv"
	"strings"
)

func itoa(n int) string { return strconv.Itoa(n) }

// list reads at least one command and the delimiters after it, up to one of
// the closing words, which it takes and returns. Before "}" of a block the
// last delimiter may be missing, as GRUB's grammar has it. opener is the
// token that the closing word belongs to.
func (p *Parser) list(opener lexeme, closers ...string) (List, lexeme, error) {
	if err := p.skipNewlines(); err != nil {
		return nil, lexeme{}, err
	}
	var list List
	for {
		cmd, err := p.command()
		if err != nil {
			return nil, lexeme{}, p.inside(err, opener, closers)
		}
		list = append(list, cmd)
		delimited, err := p.delimiters()
		if err != nil {
			return nil, lexeme{}, err
		}
		t, err := p.peek()
		if err != nil {
			return nil, lexeme{}, err
		}
		if t.closes(closers) && (delimited || opener.token == tokOpen) {
			p.ready = false
			return list, t, nil
		}
		if !delimited {
			return nil, lexeme{}, p.inside(p.unexpected(t, ""), opener, closers)
		}
	}
}

// closes says whether the token is one of the closing words.
func (l lexeme) closes(closers []string) bool {
	return (l.token == tokReserved || l.token == tokClose) && slices.Contains(closers, l.raw)
}

// inside says in an error at the end of the script what is still open.
func (p *Parser) inside(err error, opener lexeme, closers []string) error {
	if e, ok := err.(*Error); ok && p.ready && p.tok.token == tokEOF && !strings.Contains(e.Msg, ",") {
		e.Msg += ", expected \"" + strings.Join(closers, `" or "`) + "\" for " + opener.context()
		e.Incomplete = true
	}
	return err
}

// context names a token as the opener of something.
func (l lexeme) context() string {
	return strconv.Quote(l.raw) + " at line " + itoa(l.at.Line)
}

// delimiters = (";" | "\n") { "\n" }; it says whether there were any.
func (p *Parser) delimiters() (bool, error) {
	t, err := p.peek()
	if err != nil || t.token != tokSemi && t.token != tokNewline {
		return false, err
	}
	p.ready = false
	return true, p.skipNewlines()
}

func (p *Parser) skipNewlines() error {
	for {
		t, err := p.peek()
		if err != nil || t.token != tokNewline {
			return err
		}
		p.ready = false
	}
}

// peek gives the next token without taking it.
func (p *Parser) peek() (lexeme, error) {
	if !p.ready {
		tok, err := p.lex.next()
		if err != nil {
			return tok, err
		}
		p.tok, p.ready = tok, true
	}
	return p.tok, nil
}

// take takes the token that peek gave.
func (p *Parser) take() lexeme {
	p.ready = false
	return p.tok
}

// expect takes one reserved word.
func (p *Parser) expect(opener lexeme, word string) error {
	t, err := p.peek()
	if err != nil {
		return err
	}
	if t.token != tokReserved || t.raw != word {
		return p.inside(p.unexpected(t, ""), opener, []string{word})
	}
	p.ready = false
	return nil
}

// expectName takes an identifier.
func (p *Parser) expectName(opener lexeme) (string, error) {
	t, err := p.peek()
	if err != nil {
		return "", err
	}
	if t.token != tokName {
		return "", p.unexpected(t, opener.context()+" needs a name")
	}
	p.ready = false
	return t.raw, nil
}

// unexpected makes the error for a token that fits nowhere.
func (p *Parser) unexpected(t lexeme, context string) error {
	what := strconv.Quote(t.raw)
	switch t.token {
	case tokEOF:
		what = "end of file"
	case tokNewline:
		what = "end of line"
	}
	if context != "" {
		what += ", " + context
	}
	return p.lex.errorf(t.at, "unexpected %s", what)
}

// enter and leave bound the nesting, and with it the stack.
func (p *Parser) enter() error {
	if p.depth++; p.depth > maxNesting {
		return p.lex.errorf(p.tok.at, "nested deeper than %d levels", maxNesting)
	}
	return nil
}

func (p *Parser) leave() { p.depth-- }
