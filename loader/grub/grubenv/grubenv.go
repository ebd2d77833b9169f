// Package grubenv reads and writes GRUB's environment block: a file of 1024
// bytes that begins with a signature, holds NAME=VALUE lines in which newline
// and backslash stand behind a backslash, and is filled up with '#' (GRUB
// manual 2.12, section "The GRUB environment block"; grub-editenv writes it).
package grubenv

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// Size of an environment block in bytes.
const Size = 1024

// Signature is the first line of every block.
const Signature = "# GRUB Environment Block\n"

// ErrTooSmall says that the variables do not fit.
var ErrTooSmall = errors.New("environment block too small")

// Block is an environment block. Comments keep their place.
type Block struct {
	lines []line
}

// line is a variable, or a comment when name is empty.
type line struct {
	name, value string
	comment     string // with its '#', without newline
}

// Var is a variable of a block.
type Var struct{ Name, Value string }

// New is an empty block.
func New() *Block { return new(Block) }

// Parse reads a block.
func Parse(b []byte) (*Block, error) {
	if len(b) != Size {
		return nil, fmt.Errorf("invalid environment block: %d bytes instead of %d", len(b), Size)
	}
	rest, ok := bytes.CutPrefix(b, []byte(Signature))
	if !ok {
		return nil, errors.New("invalid environment block: no signature")
	}
	blk := New()
	for len(rest) > 0 {
		if rest[0] == '#' {
			end := bytes.IndexByte(rest, '\n')
			if end < 0 {
				break // padding
			}
			blk.lines = append(blk.lines, line{comment: string(rest[:end])})
			rest = rest[end+1:]
			continue
		}
		l, n := variable(rest)
		if n == 0 {
			return nil, fmt.Errorf("invalid environment block: broken line at byte %d", Size-len(rest))
		}
		blk.lines = append(blk.lines, l)
		rest = rest[n:]
	}
	return blk, nil
}

// variable reads NAME=VALUE and its newline, and gives its length, 0 when it
// is broken.
func variable(b []byte) (line, int) {
	eq := bytes.IndexByte(b, '=')
	if eq <= 0 || bytes.IndexByte(b[:eq], '\n') >= 0 {
		return line{}, 0
	}
	var value strings.Builder
	for i := eq + 1; i < len(b); i++ {
		switch b[i] {
		case '\n':
			return line{name: string(b[:eq]), value: value.String()}, i + 1
		case '\\':
			if i++; i == len(b) {
				return line{}, 0
			}
		}
		value.WriteByte(b[i])
	}
	return line{}, 0
}

// Vars are the variables in the block's order.
func (b *Block) Vars() []Var {
	var all []Var
	for _, l := range b.lines {
		if l.name != "" {
			all = append(all, Var{l.name, l.value})
		}
	}
	return all
}

// Set sets a variable, a new one at the end.
func (b *Block) Set(name, value string) error {
	if name == "" || strings.ContainsAny(name, "=\n\\#\x00") || strings.IndexByte(value, 0) >= 0 {
		return fmt.Errorf("variable `%s' cannot stand in an environment block", name)
	}
	for i := range b.lines {
		if b.lines[i].name == name {
			b.lines[i].value = value
			return nil
		}
	}
	b.lines = append(b.lines, line{name: name, value: value})
	return nil
}

// Delete removes a variable.
func (b *Block) Delete(name string) {
	for i := range b.lines {
		if b.lines[i].name == name {
			b.lines = append(b.lines[:i], b.lines[i+1:]...)
			return
		}
	}
}

var escaper = strings.NewReplacer(`\`, `\\`, "\n", "\\\n")

// Bytes is the block as it stands in its file; ErrTooSmall when the
// variables do not fit.
func (b *Block) Bytes() ([]byte, error) {
	out := []byte(Signature)
	for _, l := range b.lines {
		if l.name == "" {
			out = append(out, l.comment...)
		} else {
			out = append(out, l.name+"="+escaper.Replace(l.value)...)
		}
		if out = append(out, '\n'); len(out) > Size {
			return nil, ErrTooSmall
		}
	}
	return append(out, bytes.Repeat([]byte("#"), Size-len(out))...), nil
}
