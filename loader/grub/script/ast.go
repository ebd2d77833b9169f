// Package script reads the GRUB script language: lexer, parser and syntax
// tree. It follows the GRUB manual 2.12, section "Writing full configuration
// files directly" (Shell-like scripting), and where the manual is silent what
// GRUB itself accepts. It does no I/O and runs nothing; package grub does.
package script

import "fmt"

// Pos is a place in a script.
type Pos struct {
	Line   int // from 1
	Col    int // bytes, from 1
	Offset int // bytes, from 0
}

func (p Pos) String() string { return fmt.Sprintf("%d:%d", p.Line, p.Col) }

// Command is one of *Simple, *If, *For, *While, *Function.
type Command interface {
	// Pos is where the command's first word stands.
	Pos() Pos
}

// List is commands that run one after the other.
type List []Command

// Simple is a command with its arguments: name, arguments, and perhaps a
// block in braces as the last one (menuentry).
type Simple struct {
	Words []Word // at least one
	Block *Block // nil when there is none
}

// If is a chain of if and elif with an optional else.
type If struct {
	At      Pos
	Clauses []Clause // at least one
	Else    List
}

// Clause runs Then when the last command of Cond succeeds.
type Clause struct {
	Cond, Then List
}

// For runs Body once for each word.
type For struct {
	At    Pos
	Name  string
	Words []Word
	Body  List
}

// While runs Body as long as (Until: as long as not) Cond succeeds.
type While struct {
	At    Pos
	Until bool
	Cond  List
	Body  List
}

// Function defines Name. GRUB allows it at the outermost level only.
type Function struct {
	At   Pos
	Name string
	Body List
}

// Block is the part of a menuentry between the braces.
type Block struct {
	At     Pos    // of the opening brace
	Source string // text between the braces, as it stands in the script
	Body   List
}

func (c *Simple) Pos() Pos   { return c.Words[0].At }
func (c *If) Pos() Pos       { return c.At }
func (c *For) Pos() Pos      { return c.At }
func (c *While) Pos() Pos    { return c.At }
func (c *Function) Pos() Pos { return c.At }

// Word is one word as written, before expansion.
type Word struct {
	At    Pos
	Parts []Part
}

// Part is a run of characters of one kind.
type Part struct {
	Kind Kind
	Text string // without quotes; for variables the name, without $ and braces
}

// Kind says how a part expands.
type Kind uint8

const (
	Text      Kind = iota // outside quotes; backslashes are kept for wildcard matching
	Single                // '…'
	Double                // "…", escapes resolved
	Var                   // $name outside quotes: splits into words
	DoubleVar             // "$name": does not split
	Gettext               // $"…": translated text, variables still inside
)

// Error is a syntax error.
type Error struct {
	Name string // of the script, as given to New
	Pos  Pos
	Msg  string
	// Incomplete says that more input could have made it right.
	Incomplete bool
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.Name, e.Pos.Line, e.Pos.Col, e.Msg)
}
