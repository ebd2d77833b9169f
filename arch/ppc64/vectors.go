package ppc64

import "encoding/binary"

// Interrupts lead to fixed places in the first two pages of memory, in real mode,
// and in the byte order that the hypervisor or HID0 has for them. A vector has as
// few as 8 instructions, and its first ones are:
//
//	tdi 0,0,0x48    no operation; in the other byte order, b .+8
//	b   own
//	b   other       in the other byte order
//
// Both save R3 and load it with the vector's number, and lead to code that is the
// same for all: it saves R4, SRR0 and SRR1 as well, in the other byte order goes
// over to the program's, and enters fault (trap_ppc64x.s) with translation on.
// SPRG0 to SPRG3 are the operating system's (Power ISA 3.0B, book III, 4.3.5
// "Software-use SPRs").

// VectorsEnd is the end of the memory from 0 on that vectors take.
const VectorsEnd = 0x2000

const (
	stubs     = 0x1000 // for each vector: 4 instructions, and 4 in the other byte order
	stubSize  = 32
	common    = 0x1600 // for all
	otherSide = 0x1680 // in the other byte order
	hvOffset  = 0x100  // the same for interrupts that use HSRR0 and HSRR1
)

// interrupts by vector. hv are those that use HSRR0 and HSRR1, and come in
// hypervisor mode only (6.4 "Interrupt Definitions", figure 51).
var interrupts = [...]struct {
	vector uint32
	hv     bool
}{
	{VectorReset, false}, {VectorMachineCheck, false}, {VectorData, false}, {VectorDataSegment, false},
	{VectorCode, false}, {VectorCodeSegment, false}, {VectorExternal, false}, {VectorAlignment, false},
	{VectorProgram, false}, {VectorFloat, false}, {VectorDecrementer, false}, {0x980, true},
	{0xa00, false}, {VectorSystemCall, false}, {VectorTrace, false}, {0xe00, true}, {0xe20, true},
	{0xe40, true}, {0xe60, true}, {0xe80, true}, {0xea0, true}, {VectorMonitor, false},
	{VectorVector, false}, {VectorVSX, false}, {VectorFacility, false}, {0xf80, true}, {0x1500, true},
}

// Numbers of special purpose registers.
const (
	sprSRR0  = 26
	sprSRR1  = 27
	sprSPRG0 = 272
	sprSPRG1 = 273
	sprSPRG2 = 274
	sprSPRG3 = 275
	sprHSRR0 = 314
	sprHSRR1 = 315
)

// Instructions (book I, 3.3, and book III, 3.3 and 4.4.4).

func addi(rt, ra, value uint32) uint32  { return 14<<26 | rt<<21 | ra<<16 | value&0xffff }
func addis(rt, ra, value uint32) uint32 { return 15<<26 | rt<<21 | ra<<16 | value&0xffff }
func ori(ra, rs, value uint32) uint32   { return 24<<26 | rs<<21 | ra<<16 | value&0xffff }
func oris(ra, rs, value uint32) uint32  { return 25<<26 | rs<<21 | ra<<16 | value&0xffff }
func xori(ra, rs, value uint32) uint32  { return 26<<26 | rs<<21 | ra<<16 | value&0xffff }
func branch(from, to uint32) uint32     { return 18<<26 | (to-from)&0x3fffffc }
func mfmsr(rt uint32) uint32            { return 31<<26 | rt<<21 | 83<<1 }
func mfspr(rt, spr uint32) uint32       { return 31<<26 | rt<<21 | (spr&31<<5|spr>>5)<<11 | 339<<1 }
func mtspr(spr, rs uint32) uint32       { return 31<<26 | rs<<21 | (spr&31<<5|spr>>5)<<11 | 467<<1 }

const (
	rfid = 19<<26 | 18<<1
	// tdi 0,0,0x48
	passOwn = 2<<26 | 0x48
)

// vectors fills memory, which begins at the first vector, VectorReset. order is
// the program's byte order, handler the address of its code below 2 GiB, and msr
// what to add to the MSR for it, of the low 32 bits.
func vectors(memory []byte, order binary.ByteOrder, handler, msr uint32) {
	var other binary.ByteOrder = binary.LittleEndian
	if order == other {
		other = binary.BigEndian
	}
	put := func(order binary.ByteOrder, at uint32, words ...uint32) {
		for i, w := range words {
			order.PutUint32(memory[at+uint32(4*i)-VectorReset:], w)
		}
	}
	for i, v := range interrupts {
		own := uint32(stubs + stubSize*i)
		offset := uint32(0)
		if v.hv {
			offset = hvOffset
		}
		put(order, v.vector, passOwn, branch(v.vector+4, own))
		put(other, v.vector+8, branch(v.vector+8, own+16))
		put(order, own, mtspr(sprSPRG1, 3), addi(3, 0, v.vector), branch(own+8, common+offset))
		put(other, own+16, mtspr(sprSPRG1, 3), addi(3, 0, v.vector), branch(own+24, otherSide+offset))
	}
	for _, side := range [...]struct{ offset, pc, msr uint32 }{{0, sprSRR0, sprSRR1}, {hvOffset, sprHSRR0, sprHSRR1}} {
		save := [...]uint32{
			mtspr(sprSPRG2, 4),
			mfspr(4, side.pc), mtspr(sprSPRG3, 4),
			mfspr(4, side.msr), mtspr(sprSPRG0, 4),
		}
		put(order, common+side.offset, save[:]...)
		enter := common + side.offset + uint32(4*len(save))
		put(order, enter,
			addis(4, 0, handler>>16), ori(4, 4, handler), mtspr(sprSRR0, 4),
			mfmsr(4), oris(4, 4, msr>>16), ori(4, 4, msr), mtspr(sprSRR1, 4),
			rfid)
		put(other, otherSide+side.offset, save[:]...)
		put(other, otherSide+side.offset+uint32(4*len(save)),
			addi(4, 0, enter), mtspr(sprSRR0, 4),
			mfmsr(4), xori(4, 4, MSRLE), mtspr(sprSRR1, 4),
			rfid)
	}
}
