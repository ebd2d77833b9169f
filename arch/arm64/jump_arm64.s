#include "textflag.h"

// References are to the Arm ARM, DDI 0487, by section title. TCG has neither
// caches nor barriers: what is missing here shows on hardware only.

// SCTLR_EL1 with nothing on but the bits that are RES1 in Armv8.0, as low and
// high half; and with M, C and I.
#define SCTLR_OFF_LO 0x0800
#define SCTLR_ON_LO  0x1805
#define SCTLR_HI     0x30d0

// MAIR_EL1 and TCR_EL1 that go with package idmap's tables. Attr0 is Normal,
// inner and outer write-back non-transient, read and write allocate. TCR is IPS |
// TCR_HI<<16 | TCR_LO: T0SZ 16 (48 bits, tables start at level 0), tables
// write-back and inner shareable, 4 KiB granule, no walks of TTBR1. IPS has the
// encoding of PARange; the largest without FEAT_LPA2 is MAX_IPS, 48 bits.
#define TCR_LO   0x3510
#define TCR_HI   0x0080
#define MAIR     0x00ff
#define MAX_IPS  5

// Operand of DSB and ISB: full system.
#define SY $15

// func leave(code, moves, cleans, frame, root, area, end, off uintptr)
//
// Puts its arguments where trampoline wants them, turns the MMU off, by the code
// at off, and jumps to the copy of trampoline at code. [area, end) is where the
// area is mapped; the rest are physical addresses. Never returns.
TEXT ·leave(SB), NOSPLIT|NOFRAME, $0-64
	MSR  $15, DAIFSet
	MOVD code+0(FP), R8
	MOVD moves+8(FP), R0
	MOVD cleans+16(FP), R1
	MOVD frame+24(FP), R2
	MOVD root+32(FP), R3
	MOVD area+40(FP), R6
	MOVD end+48(FP), R7
	MOVD off+56(FP), R12

	// TCR_EL1.IPS is what the processor has, at most 48 bits: ID_AA64MMFR0_EL1
	// bits [3:0], PARange.
	MRS  ID_AA64MMFR0_EL1, R4
	AND  $0xf, R4
	CMP  $MAX_IPS, R4
	BLS  known
	MOVD $MAX_IPS, R4

known:
	LSL  $32, R4
	MOVK $TCR_LO, R4
	MOVK $(TCR_HI<<16), R4

	// The area was written as data through the cache. With the MMU off it is
	// fetched, and its tables are walked, from memory: clean it to the point
	// of coherency ("The data cache maintenance instructions (DC*)"), wait,
	// and drop what the instruction cache may hold of it ("Synchronization
	// and coherency issues between data and instruction accesses").
	MRS  CTR_EL0, R9
	UBFX $16, R9, $4, R9     // DminLine: log2 of the words in a line
	MOVD $4, R10
	LSL  R9, R10, R10

line:
	DC   CIVAC, R6
	ADD  R10, R6
	CMP  R7, R6
	BLO  line
	DSB  SY
	WORD $0xd508751f         // IC IALLU
	DSB  SY
	ISB  SY
	B    (R12)

// off turns the MMU off and goes to R8: the running tables lie in memory that the
// moves overwrite, and two tables may map the same address in blocks of
// different sizes, so that a switch with the MMU on could find both in the TLB
// ("Using break-before-make when updating translation table entries"). It is
// entered at its physical address, so that it is at the same address either way,
// and lies in memory as it was loaded or as switchTo has written it there.
TEXT ·off(SB), NOSPLIT|NOFRAME, $0
	MOVZ $SCTLR_OFF_LO, R9
	MOVK $(SCTLR_HI<<16), R9
	MSR  R9, SCTLR_EL1
	ISB  SY
	B    (R8)

// trampoline is the last code of the loader. It runs from a copy that no
// segment of the target overlaps, so it names nothing by address. It starts
// and ends with the MMU off:
//
//	R0  moves: {dst, src, size} of 8 bytes each, size 0 ends
//	R1  ranges to clean: {start, end} of 8 bytes each, end 0 ends
//	R2  registers X0 to X30, then ELR_EL1 and SPSR_EL1
//	R3  TTBR0_EL1
//	R4  TCR_EL1
//
// It must fit between atTrampoline and atFrame.
TEXT ·trampoline(SB), NOSPLIT|NOFRAME, $0
	// The new tables, and nothing in the TLB of the old ones, before the MMU
	// goes on ("TLB maintenance instructions": TLBI completes at a DSB, is
	// seen by this processor after an ISB).
	MOVZ $MAIR, R5
	MSR  R5, MAIR_EL1
	MSR  R4, TCR_EL1
	MSR  R3, TTBR0_EL1
	ISB  SY
	TLBI VMALLE1
	DSB  SY
	ISB  SY
	MOVZ $SCTLR_ON_LO, R5
	MOVK $(SCTLR_HI<<16), R5
	MSR  R5, SCTLR_EL1
	ISB  SY

next:
	LDP  0(R0), (R6, R7)
	MOVD 16(R0), R8
	CBZ  R8, clean
	ADD  $24, R0
	CBZ  R7, zero

copy:
	CMP   $64, R8
	BLO   copytail
	LDP.P 16(R7), (R9, R10)
	LDP.P 16(R7), (R11, R12)
	LDP.P 16(R7), (R13, R14)
	LDP.P 16(R7), (R15, R16)
	STP.P (R9, R10), 16(R6)
	STP.P (R11, R12), 16(R6)
	STP.P (R13, R14), 16(R6)
	STP.P (R15, R16), 16(R6)
	SUB   $64, R8
	B     copy

copytail:
	CBZ     R8, next
	MOVBU.P 1(R7), R9
	MOVB.P  R9, 1(R6)
	SUB     $1, R8
	B       copytail

zero:
	CMP   $64, R8
	BLO   zerotail
	STP.P (ZR, ZR), 16(R6)
	STP.P (ZR, ZR), 16(R6)
	STP.P (ZR, ZR), 16(R6)
	STP.P (ZR, ZR), 16(R6)
	SUB   $64, R8
	B     zero

zerotail:
	CBZ    R8, next
	MOVB.P ZR, 1(R6)
	SUB    $1, R8
	B      zerotail

	// All of the target, by address, to the point of coherency: "The address
	// range corresponding to the loaded kernel image must be cleaned to the
	// PoC" (Linux Documentation/arch/arm64/booting.rst). It also invalidates,
	// so that no line stays that an access without caches could disagree with
	// ("Mismatched memory attributes"). A DC by address is ordered after the
	// stores above to the same line ("Ordering of data and unified cache
	// maintenance instructions").
clean:
	MRS  CTR_EL0, R9
	UBFX $16, R9, $4, R9
	MOVD $4, R10
	LSL  R9, R10, R10
	SUB  $1, R10, R11

range:
	LDP  0(R1), (R6, R7)
	CBZ  R7, off
	ADD  $16, R1
	BIC  R11, R6, R6

line:
	DC   CIVAC, R6
	ADD  R10, R6
	CMP  R7, R6
	BLO  line
	B    range

off:
	// Complete the cleaning for the full system, then no stale instruction of
	// the target ("Ordering and completion of data and instruction cache
	// instructions").
	DSB  SY
	WORD $0xd508751f         // IC IALLU
	DSB  SY
	ISB  SY

	// MMU, data and instruction cache off ("SCTLR_EL1, System Control Register
	// (EL1)"); the ISB makes it so for what follows ("Synchronization
	// requirements for AArch64 System registers").
	MOVZ $SCTLR_OFF_LO, R5
	MOVK $(SCTLR_HI<<16), R5
	MSR  R5, SCTLR_EL1
	ISB  SY
	TLBI VMALLE1
	DSB  SY
	ISB  SY

	// What the loader set up is as a vCPU starts: no vectors, no FP, no event
	// stream, no virtual timer.
	MSR ZR, TTBR0_EL1
	MSR ZR, TCR_EL1
	MSR ZR, MAIR_EL1
	MSR ZR, VBAR_EL1
	MSR ZR, FPCR
	MSR ZR, FPSR
	MSR ZR, CPACR_EL1
	MSR ZR, CNTKCTL_EL1
	MSR ZR, CNTV_CTL_EL0
	MSR ZR, TPIDR_EL0
	MSR ZR, TPIDR_EL1

	// Both stack pointers; SP_EL0 can be named while the other one is in use.
	MSR  $1, SPSel
	MOVD ZR, R0
	MOVD R0, RSP
	MSR  ZR, SP_EL0

	// ERET sets all of PSTATE and is a context synchronization event; unlike
	// a branch it leaves every register to the target. Loads without the MMU
	// are of Device memory: aligned, as the frame is.
	MOVD R2, R30
	LDP  248(R30), (R0, R1)
	MSR  R0, ELR_EL1
	MSR  R1, SPSR_EL1
	LDP  0(R30), (R0, R1)
	LDP  16(R30), (R2, R3)
	LDP  32(R30), (R4, R5)
	LDP  48(R30), (R6, R7)
	LDP  64(R30), (R8, R9)
	LDP  80(R30), (R10, R11)
	LDP  96(R30), (R12, R13)
	LDP  112(R30), (R14, R15)
	LDP  128(R30), (R16, R17)
	LDP  144(R30), (R18_PLATFORM, R19)
	LDP  160(R30), (R20, R21)
	LDP  176(R30), (R22, R23)
	LDP  192(R30), (R24, R25)
	LDP  208(R30), (R26, R27)
	LDP  224(R30), (g, R29)
	MOVD 240(R30), R30
	ERET

// lastEnd marks the end of trampoline: the linker keeps the order of a file.
TEXT ·lastEnd(SB), NOSPLIT|NOFRAME, $0
	RET

// func lastCode() (trampoline, end unsafe.Pointer)
TEXT ·lastCode(SB), NOSPLIT, $0-16
	MOVD $·trampoline(SB), R0
	MOVD R0, trampoline+0(FP)
	MOVD $·lastEnd(SB), R0
	MOVD R0, end+8(FP)
	RET

// func offCode() uintptr
TEXT ·offCode(SB), NOSPLIT, $0-8
	MOVD $·off(SB), R0
	MOVD R0, ret+0(FP)
	RET
