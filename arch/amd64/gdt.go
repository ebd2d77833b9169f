//go:build amd64

package amd64

import "encoding/binary"

// Segment descriptors (SDM 3.4.5 and 8.2.3, APM 4.8). The selectors of code
// and data are those of Linux's boot protocol; entry_amd64.h names them too.
const (
	descCode64 = 0x00af9a000000ffff
	descData   = 0x00cf92000000ffff
	tssType    = 0x89 // present, available 64-bit TSS
	codeSel    = 0x10
	tssSel     = 0x20
	tssSize    = 104
	tssIST1    = 0x24
	faultIST   = 1
	gateType   = 0x8e // present, 64-bit interrupt gate
	idtEntries = 32
)

var (
	gdt [6]uint64
	tss [tssSize]byte
	idt [idtEntries][16]byte

	gdtr, idtr [10]byte
)

// loadTables makes the descriptor tables and loads them: flat segments, a TSS
// whose IST 1 is the fault stack, and a gate for every exception.
func loadTables() {
	binary.LittleEndian.PutUint64(tss[tssIST1:], uint64(faultStackTop()))
	base := addressOf(&tss[0])
	gdt[codeSel/8] = descCode64
	gdt[codeSel/8+1] = descData
	gdt[tssSel/8] = tssSize - 1 | uint64(base&0xffffff)<<16 | tssType<<40 | uint64(base>>24&0xff)<<56
	gdt[tssSel/8+1] = uint64(base >> 32)

	for i, handler := range vectorAddresses() {
		gate(&idt[i], uint64(handler))
	}
	pointer(&gdtr, len(gdt)*8, addressOf(&gdt[0]))
	pointer(&idtr, len(idt)*16, addressOf(&idt[0]))
	lgdt(&gdtr)
	lidt(&idtr)
	ltr(tssSel)
}

// gate fills an interrupt gate (SDM figure 6-8, APM figure 4-24).
func gate(g *[16]byte, handler uint64) {
	binary.LittleEndian.PutUint16(g[0:], uint16(handler))
	binary.LittleEndian.PutUint16(g[2:], codeSel)
	g[4] = faultIST
	g[5] = gateType
	binary.LittleEndian.PutUint16(g[6:], uint16(handler>>16))
	binary.LittleEndian.PutUint32(g[8:], uint32(handler>>32))
}

// pointer fills the operand of LGDT and LIDT.
func pointer(p *[10]byte, size int, base uintptr) {
	binary.LittleEndian.PutUint16(p[0:], uint16(size-1))
	binary.LittleEndian.PutUint64(p[2:], uint64(base))
}
