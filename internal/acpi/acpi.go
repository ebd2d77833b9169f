// Package acpi finds in a machine's ACPI tables how to switch the machine off and
// how to reset it. It allocates nothing, so that it serves a program that ends for
// want of memory.
//
// Source: ACPI Specification 6.5; sections stand at the constants.
package acpi

import "encoding/binary"

// View sees size bytes of memory at a physical address, nil where there is none.
type View func(addr, size uint64) []byte

// Space is the kind of address that a register has (5.2.3.2, table 5.1).
type Space uint8

// Spaces that are used.
const (
	Memory Space = 0
	IO     Space = 1
)

// Write is a number to be written to a register. A Size of 0 stands for none.
type Write struct {
	Space Space
	Addr  uint64
	Size  int // bytes: 1 or 2
	Value uint16
}

// Power is how to switch a machine off: by all of Off, in order. And how to reset
// it.
type Power struct {
	Off   [2]Write
	Reset Write
}

// System description tables (5.2.5.3, 5.2.6, 5.2.7, 5.2.8).
const (
	rsdpSize     = 20
	rsdpSize2    = 36 // from revision 2 on
	rsdpRevision = 15
	rsdpRSDT     = 16
	rsdpXSDT     = 24

	headerSize = 36
	tableSize  = 4 // offset of a table's length
	maxTable   = 1 << 20
	maxTables  = 256
)

// Fields of the fixed description table (5.2.9, table 5.9).
const (
	fadtDSDT       = 40
	fadtPM1aCnt    = 64
	fadtPM1bCnt    = 68
	fadtFlags      = 112
	fadtResetReg   = 116
	fadtResetValue = 128
	fadtXDSDT      = 140
	fadtXPM1aCnt   = 172
	fadtXPM1bCnt   = 184
	fadtSleepCtl   = 244
	gasSize        = 12

	flagResetReg  = 1 << 10
	flagHWReduced = 1 << 20
)

// Bits of the registers that put a machine to sleep (4.8.3.2.1, table 4.16;
// 4.8.3.7, table 4.22).
const (
	pm1SleepType     = 10
	pm1SleepEnable   = 1 << 13
	sleepCtlType     = 2
	sleepCtlEnable   = 1 << 5
	maxSleepType     = 7
	sleepStateOffset = 4 // of what follows the name _S5_
)

// Find reads the tables below the root pointer at rsdp. What it does not find is
// left out.
func Find(rsdp uint64, view View) (p Power) {
	fadt := findTable(rsdp, "FACP", view)
	if len(fadt) < fadtFlags+4 {
		return p
	}
	flags := u32(fadt, fadtFlags)
	if reg, ok := gas(fadt, fadtResetReg); ok && flags&flagResetReg != 0 && len(fadt) > fadtResetValue {
		reg.Size, reg.Value = 1, uint16(fadt[fadtResetValue])
		p.Reset = reg
	}
	dsdt := table(firstOf(u64(fadt, fadtXDSDT), uint64(u32(fadt, fadtDSDT))), view)
	a, b, ok := sleepTypes(dsdt)
	if !ok {
		return p
	}
	if flags&flagHWReduced != 0 {
		if reg, ok := gas(fadt, fadtSleepCtl); ok {
			reg.Size, reg.Value = 1, uint16(a)<<sleepCtlType|sleepCtlEnable
			p.Off[0] = reg
		}
		return p
	}
	p.Off[0] = pm1(fadt, fadtXPM1aCnt, fadtPM1aCnt, a)
	p.Off[1] = pm1(fadt, fadtXPM1bCnt, fadtPM1bCnt, b)
	return p
}

// pm1 is the write to a PM1 control register, which has two fields: a generic
// address and an older I/O port.
func pm1(fadt []byte, generic, port int, sleepType uint8) Write {
	reg, ok := gas(fadt, generic)
	if !ok {
		reg = Write{Space: IO, Addr: uint64(u32(fadt, port))}
	}
	if reg.Addr == 0 {
		return Write{}
	}
	reg.Size, reg.Value = 2, uint16(sleepType)<<pm1SleepType|pm1SleepEnable
	return reg
}

// gas reads a generic address structure (5.2.3.2) in a space that can be written.
func gas(table []byte, at int) (reg Write, ok bool) {
	if at+gasSize > len(table) {
		return reg, false
	}
	reg = Write{Space: Space(table[at]), Addr: u64(table, at+4)}
	return reg, reg.Addr != 0 && reg.Space <= IO
}

// findTable finds a table by its signature.
func findTable(rsdp uint64, signature string, view View) []byte {
	root := view(rsdp, rsdpSize)
	if rsdp == 0 || len(root) < rsdpSize || string(root[:8]) != "RSD PTR " {
		return nil
	}
	list, size := uint64(u32(root, rsdpRSDT)), 4
	if root[rsdpRevision] >= 2 {
		if root = view(rsdp, rsdpSize2); len(root) == rsdpSize2 && u64(root, rsdpXSDT) != 0 {
			list, size = u64(root, rsdpXSDT), 8
		}
	}
	entries := table(list, view)
	for i := range maxTables {
		at := headerSize + i*size
		if at+size > len(entries) {
			return nil
		}
		addr := uint64(u32(entries, at))
		if size == 8 {
			addr = u64(entries, at)
		}
		if t := table(addr, view); t != nil && string(t[:4]) == signature {
			return t
		}
	}
	return nil
}

// table sees the table at an address, nil for what cannot be one.
func table(addr uint64, view View) []byte {
	if addr == 0 {
		return nil
	}
	head := view(addr, headerSize)
	if len(head) < headerSize {
		return nil
	}
	size := u32(head, tableSize)
	if size < headerSize || size > maxTable {
		return nil
	}
	if t := view(addr, uint64(size)); len(t) == int(size) {
		return t
	}
	return nil
}

// AML's encoding of a package of small numbers (20.2.3, 20.2.4, 20.2.5.4).
const (
	zeroOp     = 0x00
	oneOp      = 0x01
	nameOp     = 0x08
	bytePrefix = 0x0a
	packageOp  = 0x12
	rootChar   = '\\'
)

// sleepTypes finds the types of the sleep that is off: the first two numbers of
// the package \_S5_ (7.4.2, table 7.9). Nothing else of the code is understood.
func sleepTypes(dsdt []byte) (a, b uint8, ok bool) {
	const name = "_S5_"
	for at := headerSize; at+len(name) < len(dsdt); at++ {
		if string(dsdt[at:at+len(name)]) != name || !named(dsdt[:at]) {
			continue
		}
		rest := dsdt[at+sleepStateOffset:]
		if rest[0] != packageOp || len(rest) < 2 {
			continue
		}
		skip := 2 + int(rest[1]>>6) + 1 // opcode, length, number of elements
		if skip > len(rest) {
			continue
		}
		if a, rest, ok = number(rest[skip:]); !ok || a > maxSleepType {
			continue
		}
		if b, _, ok = number(rest); !ok || b > maxSleepType {
			b = a // a machine with one register
		}
		return a, b, true
	}
	return 0, 0, false
}

// named tells whether code ends where a name is to follow.
func named(code []byte) bool {
	n := len(code)
	return code[n-1] == nameOp || code[n-1] == rootChar && code[n-2] == nameOp
}

// number reads a constant of at most a byte.
func number(code []byte) (v uint8, rest []byte, ok bool) {
	switch {
	case len(code) >= 1 && (code[0] == zeroOp || code[0] == oneOp):
		return code[0], code[1:], true
	case len(code) >= 2 && code[0] == bytePrefix:
		return code[1], code[2:], true
	}
	return 0, code, false
}

func firstOf(a, b uint64) uint64 {
	if a != 0 {
		return a
	}
	return b
}

// u32 and u64 are the numbers at an offset, 0 past the end.
func u32(b []byte, at int) uint32 {
	if at+4 > len(b) {
		return 0
	}
	return binary.LittleEndian.Uint32(b[at:])
}

func u64(b []byte, at int) uint64 {
	if at+8 > len(b) {
		return 0
	}
	return binary.LittleEndian.Uint64(b[at:])
}
