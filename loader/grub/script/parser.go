package script

import (
	"io"
	"strings"
)

// maxNesting bounds blocks and compound commands inside each other.
const maxNesting = 100

// maxWords bounds the words, and the parts of words, of one piece: each takes
// some hundred bytes, and a piece is kept in memory as a whole.
const maxWords = 1 << 16

// Parser reads a script piece by piece, as GRUB reads a configuration file:
// a piece is a line, or as many lines as a compound command that begins on it
// needs. A syntax error spoils its piece only; the next one starts on the
// line after the error.
type Parser struct {
	lex   lexer
	tok   lexeme // valid when ready
	ready bool
	depth int
	count int // words of the piece, with their parts
}

// New makes a parser; name goes into errors.
func New(name, src string) *Parser {
	// GRUB drops carriage returns while it reads a file.
	src = strings.ReplaceAll(src, "\r", "")
	return &Parser{lex: lexer{name: name, src: src, pos: Pos{Line: 1, Col: 1}}}
}

// Parse reads a whole script and stops at the first syntax error.
func Parse(name, src string) (List, error) {
	p := New(name, src)
	var all List
	for {
		list, err := p.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
}

// Next gives the next piece, which is not empty; io.EOF at the end. After an
// *Error it can be called again.
func (p *Parser) Next() (List, error) {
	p.depth, p.count = 0, 0
	list, err := p.piece()
	if err != nil && err != io.EOF {
		p.resume()
	}
	return list, err
}

// Words is the size of the last piece: its words and their parts.
func (p *Parser) Words() int { return p.count }

// resume goes to the line after the one in which the parser stands.
func (p *Parser) resume() {
	at := p.lex.pos.Offset
	if !p.ready || p.tok.token != tokNewline || at == 0 {
		p.lex.skipLine()
	}
	p.ready = false
}

// piece = newlines { statement (";" | "\n") } up to the end of a line.
func (p *Parser) piece() (List, error) {
	if err := p.skipNewlines(); err != nil {
		return nil, err
	}
	if t, err := p.peek(); err != nil {
		return nil, err
	} else if t.token == tokEOF {
		return nil, io.EOF
	}
	var list List
	for {
		cmd, err := p.statement()
		if err != nil {
			return nil, err
		}
		list = append(list, cmd)
		t, err := p.peek()
		if err != nil {
			return nil, err
		}
		p.ready = false
		switch t.token {
		case tokNewline, tokEOF:
			return list, nil
		case tokSemi:
		default:
			return nil, p.unexpected(t, "")
		}
		if t, err = p.peek(); err != nil {
			return nil, err
		}
		if t.token == tokNewline || t.token == tokEOF {
			p.ready = false
			return list, nil
		}
	}
}

// statement = function | command.
func (p *Parser) statement() (Command, error) {
	t, err := p.peek()
	if err != nil {
		return nil, err
	}
	if t.token == tokReserved && t.raw == "function" {
		return p.function()
	}
	return p.command()
}

// command = simple | if | for | while | until.
func (p *Parser) command() (Command, error) {
	t, err := p.peek()
	if err != nil {
		return nil, err
	}
	if t.token == tokReserved {
		switch t.raw {
		case "if":
			return p.ifCommand()
		case "for":
			return p.forCommand()
		case "while", "until":
			return p.whileCommand()
		}
	}
	if t.token != tokName && t.token != tokWord {
		return nil, p.unexpected(t, "")
	}
	return p.simple()
}

// simple = word { word | reserved } [ block ].
func (p *Parser) simple() (Command, error) {
	words, err := p.words()
	if err != nil {
		return nil, err
	}
	cmd := &Simple{Words: words}
	if t, err := p.peek(); err != nil {
		return nil, err
	} else if t.token == tokOpen {
		cmd.Block, err = p.block()
		return cmd, err
	}
	return cmd, nil
}

// words reads words, reserved ones too, as long as they come.
func (p *Parser) words() ([]Word, error) {
	var words []Word
	for {
		t, err := p.peek()
		if err != nil {
			return nil, err
		}
		if !t.isWord() {
			return words, nil
		}
		p.ready = false
		if p.count += 1 + len(t.word.Parts); p.count > maxWords {
			return nil, p.lex.errorf(t.at, "more than %d words in one command", maxWords)
		}
		words = append(words, t.word)
	}
}

// block = "{" list [ delimiters ] "}".
func (p *Parser) block() (*Block, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	open := p.take()
	start := p.lex.pos.Offset
	body, end, err := p.list(open, "}")
	if err != nil {
		return nil, err
	}
	return &Block{At: open.at, Source: p.lex.src[start:end.at.Offset], Body: body}, nil
}

// function = "function" name newlines "{" list delimiters "}".
func (p *Parser) function() (Command, error) {
	at := p.take()
	name, err := p.expectName(at)
	if err != nil {
		return nil, err
	}
	if err := p.skipNewlines(); err != nil {
		return nil, err
	}
	open, err := p.peek()
	if err != nil {
		return nil, err
	}
	if open.token != tokOpen {
		return nil, p.inside(p.unexpected(open, ""), at, []string{"{"})
	}
	p.ready = false
	body, _, err := p.list(at, "}")
	if err != nil {
		return nil, err
	}
	return &Function{At: at.at, Name: name, Body: body}, nil
}

// ifCommand = "if" list "then" list { "elif" list "then" list } [ "else" list ] "fi".
func (p *Parser) ifCommand() (Command, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	at := p.take()
	cmd := &If{At: at.at}
	for {
		cond, _, err := p.list(at, "then")
		if err != nil {
			return nil, err
		}
		then, end, err := p.list(at, "elif", "else", "fi")
		if err != nil {
			return nil, err
		}
		cmd.Clauses = append(cmd.Clauses, Clause{cond, then})
		switch end.raw {
		case "fi":
			return cmd, nil
		case "else":
			cmd.Else, _, err = p.list(at, "fi")
			return cmd, err
		}
	}
}

// forCommand = "for" name "in" { word } delimiters "do" list "done".
func (p *Parser) forCommand() (Command, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	at := p.take()
	name, err := p.expectName(at)
	if err != nil {
		return nil, err
	}
	if err := p.expect(at, "in"); err != nil {
		return nil, err
	}
	words, err := p.words()
	if err != nil {
		return nil, err
	}
	if ok, err := p.delimiters(); err != nil {
		return nil, err
	} else if !ok {
		return nil, p.unexpected(p.tok, at.context())
	}
	if err := p.expect(at, "do"); err != nil {
		return nil, err
	}
	body, _, err := p.list(at, "done")
	return &For{At: at.at, Name: name, Words: words, Body: body}, err
}

// whileCommand = ("while" | "until") list "do" list "done".
func (p *Parser) whileCommand() (Command, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	at := p.take()
	cond, _, err := p.list(at, "do")
	if err != nil {
		return nil, err
	}
	body, _, err := p.list(at, "done")
	return &While{At: at.at, Until: at.raw == "until", Cond: cond, Body: body}, err
}
