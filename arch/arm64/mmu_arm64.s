#include "textflag.h"
#include "entry_arm64.h"

// mapBlocks maps the 2 MiB blocks that hold [R1, R2) to themselves, in the
// tables at R20, and takes a table of level 2 at R21 where one is missing. It
// stops the processor when the blocks lie above 512 GiB or need too many
// tables. Clobbers R1-R7.
TEXT ·mapBlocks(SB), NOSPLIT|NOFRAME, $0
	LSR  $21, R1
	LSL  $21, R1
	LSR  $39, R2, R3
	CBNZ R3, stop
	ADD  $0x1000, R20, R3     // level 1
next:
	CMP  R2, R1
	BHS  done
	LSR  $30, R1, R4
	ADD  R4<<3, R3, R4
	MOVD (R4), R5
	CBNZ R5, found
	ADD  $TABLES_SIZE, R20, R6
	CMP  R6, R21
	BHS  stop
	ORR  $DESC_TABLE, R21, R5
	MOVD R5, (R4)
	ADD  $0x1000, R21
found:
	AND  $~0xfff, R5
	UBFX $21, R1, $9, R6
	ADD  R6<<3, R5, R5
	MOVD $DESC_BLOCK, R7
	ORR  R1, R7
	MOVD R7, (R5)
	ADD  $0x200000, R1
	JMP  next
stop:
	JMP  ·stop(SB)
done:
	RET

// invalidate drops [R1, R2) from the data caches, to the point of coherency
// (D7.5, "Cache maintenance instructions"). The range must be whole lines, of
// at most 2 KiB. Under a hypervisor DC IVAC also cleans (D7.5.9.4), which does
// no harm to memory whose stale lines were dropped before it was written.
// Clobbers R1, R3, R4.
TEXT ·invalidate(SB), NOSPLIT|NOFRAME, $0
	DSB  $15                  // what was written before stays behind it
	MRS  CTR_EL0, R3
	UBFX $16, R3, $4, R3      // DminLine: log2 of words
	MOVD $4, R4
	LSL  R3, R4, R3
loop:
	DC   IVAC, R1
	ADD  R3, R1
	CMP  R2, R1
	BLO  loop
	DSB  $15
	RET

// writeBack drops the lines of [R1, R2) from the data caches, to the point of
// coherency, and writes dirty ones to memory first (D7.5, "Cache maintenance
// instructions"). Other bytes in the first line and the last one are not lost.
// Clobbers R1, R3, R4.
TEXT ·writeBack(SB), NOSPLIT|NOFRAME, $0
	DSB  $15                  // what was written before stays behind it
	MRS  CTR_EL0, R3
	UBFX $16, R3, $4, R3      // DminLine: log2 of words
	MOVD $4, R4
	LSL  R3, R4, R3
	SUB  $1, R3, R4
	BIC  R4, R1
loop:
	DC   CIVAC, R1
	ADD  R3, R1
	CMP  R2, R1
	BLO  loop
	DSB  $15
	RET

// enableMMU turns on the MMU with the tables at R20, and the caches. It stops
// a processor without the 4 KiB granule. Clobbers R1, R2.
TEXT ·enableMMU(SB), NOSPLIT|NOFRAME, $0
	MOVD $MAIR, R1
	MSR  R1, MAIR_EL1
	MRS  ID_AA64MMFR0_EL1, R1
	TBNZ $31, R1, stop        // TGran4, a signed field, is negative
	AND  $15, R1              // PARange
	CMP  $PA_BITS_48, R1
	BLS  small
	MOVD $PA_BITS_48, R1      // more takes another descriptor format
small:
	LSL  $TCR_IPS_SHIFT, R1
	MOVD $(TCR_T0SZ|TCR_WALKS|TCR_EPD1), R2
	ORR  R2, R1
	MSR  R1, TCR_EL1
	MSR  R20, TTBR0_EL1
	ISB  $15
	// No cached translation or instruction of whoever ran before may be
	// used (D8.14, "TLB maintenance"; D7.5.11, "Ordering and completion of
	// data and instruction cache instructions").
	TLBI VMALLE1
	WORD $0xd508751f          // IC IALLU
	DSB  $15
	ISB  $15
	MOVD $SCTLR, R1
	MSR  R1, SCTLR_EL1
	ISB  $15
	RET
stop:
	JMP  ·stop(SB)

// func syncTables()
//
// After a valid descriptor took an invalid one's place, the walk must see the
// store before the next instruction needs it; no TLB holds invalid ones
// (D8.15, "Ordering and completion of TLB maintenance instructions"; D8.16.1,
// "Using break-before-make").
TEXT ·syncTables(SB), NOSPLIT, $0-0
	DSB $10 // ISHST
	ISB $15
	RET

// func root() uint64
TEXT ·root(SB), NOSPLIT, $0-8
	MRS  TTBR0_EL1, R0
	MOVD R0, ret+0(FP)
	RET
