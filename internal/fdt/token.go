package fdt

import (
	"bytes"
	"encoding/binary"
)

// Tokens of the structure block (specification 5.4.1, "Lexical structure").
const (
	tokenBegin = 1 // FDT_BEGIN_NODE, a name
	tokenEnd   = 2 // FDT_END_NODE
	tokenProp  = 3 // FDT_PROP, length, offset of the name, value
	tokenNOP   = 4 // FDT_NOP
	tokenStop  = 9 // FDT_END

	tokenCut = 0xffffffff // ours: the block ends within the token
)

// propHeader is the token, the length and the name's offset.
const propHeader = 12

// step reads the token at offset at, a multiple of 4, and finds the next one.
func (b blocks) step(at int) (token uint32, next int) {
	if at < 0 || at+4 > len(b.structure) {
		return tokenCut, at
	}
	rest := b.structure[at:]
	token = binary.BigEndian.Uint32(rest)
	size := 4
	switch token {
	case tokenBegin:
		n := bytes.IndexByte(rest[4:], 0)
		if n < 0 {
			return tokenCut, at
		}
		size += n + 1
	case tokenProp:
		if len(rest) < propHeader {
			return tokenCut, at
		}
		n := binary.BigEndian.Uint32(rest[4:])
		if uint64(n) > uint64(len(rest)-propHeader) {
			return tokenCut, at
		}
		size = propHeader + int(n)
	}
	next = at + (size+3)&^3
	if next > len(b.structure) {
		return tokenCut, at
	}
	return token, next
}

// skipNOPs is the first token from at on that is no FDT_NOP.
func (b blocks) skipNOPs(at int) (token uint32, where, next int) {
	for {
		token, next = b.step(at)
		if token != tokenNOP {
			return token, at, next
		}
		at = next
	}
}
