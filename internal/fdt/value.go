package fdt

import (
	"bytes"
	"encoding/binary"
)

// Cells are the 32-bit words of the addresses and sizes in the reg properties
// of a node's children (specification 2.3.5, "#address-cells and
// #size-cells").
type Cells struct {
	Address, Size int
}

// maxCells stands for all numbers of cells that make no sense.
const maxCells = 255

// Cells are those that the node says for its children; 2 and 1 by default.
func (n Node) Cells() Cells {
	c := Cells{2, 1}
	if v, ok := n.Uint("#address-cells"); ok {
		c.Address = int(min(v, maxCells))
	}
	if v, ok := n.Uint("#size-cells"); ok {
		c.Size = int(min(v, maxCells))
	}
	return c
}

// Reg is entry i, from 0 on, of a reg property, of a node whose parent has
// these cells. False behind the last whole entry, and for cells other than 0
// to 2 (PCI has 3), or numbers that lie above 64 bits together.
func (c Cells) Reg(reg []byte, i int) (addr, size uint64, ok bool) {
	if c.Address < 1 || c.Address > 2 || c.Size < 0 || c.Size > 2 {
		return 0, 0, false
	}
	entry := 4 * (c.Address + c.Size)
	if i < 0 || i >= len(reg)/entry {
		return 0, 0, false
	}
	reg = reg[i*entry:][:entry]
	addr, size = number(reg[:4*c.Address]), number(reg[4*c.Address:])
	return addr, size, addr+size >= addr
}

// number is a big-endian number of 0, 4 or 8 bytes.
func number(b []byte) uint64 {
	switch len(b) {
	case 4:
		return uint64(binary.BigEndian.Uint32(b))
	case 8:
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// Uint is a value of one or two cells as a number, false for other lengths.
func Uint(value []byte) (uint64, bool) {
	return number(value), len(value) == 4 || len(value) == 8
}

// U32 is cell i, from 0 on, of a value.
func U32(value []byte, i int) (uint32, bool) {
	if i < 0 || i >= len(value)/4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(value[4*i:]), true
}

// Contains tells whether a value that is a list of strings has s among them.
func Contains(value []byte, s string) bool {
	for len(value) > 0 {
		n := bytes.IndexByte(value, 0)
		if n < 0 {
			return string(value) == s
		}
		if string(value[:n]) == s {
			return true
		}
		value = value[n+1:]
	}
	return false
}

// Uint is a property of one or two cells as a number.
func (n Node) Uint(name string) (uint64, bool) {
	value, ok := n.Prop(name)
	if !ok {
		return 0, false
	}
	return Uint(value)
}

// Text is a property that is a string, without its final NUL, or the first of
// several strings.
func (n Node) Text(name string) ([]byte, bool) {
	value, ok := n.Prop(name)
	if i := bytes.IndexByte(value, 0); i >= 0 {
		value = value[:i]
	}
	return value, ok
}

// Compatible tells whether the node's compatible property lists name.
func (n Node) Compatible(name string) bool {
	value, _ := n.Prop("compatible")
	return Contains(value, name)
}

// Enabled tells whether the node's status is "okay", "ok", or missing
// (specification 2.3.4).
func (n Node) Enabled() bool {
	status, ok := n.Text("status")
	return !ok || string(status) == "okay" || string(status) == "ok"
}
