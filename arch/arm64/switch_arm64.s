#include "textflag.h"
#include "entry_arm64.h"

// func switchTo(start, end, to, root uint64)
//
// No store lies between the copy and the switch, as it would be lost: all is in
// registers. With the MMU off this code goes on at the old place, whose
// instructions nobody has changed since they were loaded.
TEXT ·switchTo(SB), NOSPLIT|NOFRAME, $0-32
	MOVD start+0(FP), R0
	MOVD end+8(FP), R1
	MOVD to+16(FP), R2
	MOVD root+24(FP), R8
	MOVD R0, R9
	MOVD R2, R10
copy:
	LDP.P 16(R9), (R3, R4)
	LDP.P 16(R9), (R5, R6)
	STP.P (R3, R4), 16(R10)
	STP.P (R5, R6), 16(R10)
	CMP  R1, R9
	BLO  copy

	// The copy is fetched as instructions, once more with the MMU off at the
	// jump: clean it to the point of coherency (D7.5, "Cache maintenance
	// instructions"; the instruction cache below). So is the old place, that no
	// dirty line of it comes over a kernel whose caches are off.
	MRS  CTR_EL0, R3
	UBFX $16, R3, $4, R3      // DminLine: log2 of words
	MOVD $4, R4
	LSL  R3, R4, R3
	SUB  R0, R2, R5           // from the old place to the new one
lines:
	ADD  R0, R5, R6
	DC   CIVAC, R6
	DC   CIVAC, R0
	ADD  R3, R0
	CMP  R1, R0
	BLO  lines

	// The new tables map the same addresses to other memory, in blocks of other
	// sizes. That takes break-before-make (D8.16.1, "Using break-before-make"),
	// and this code cannot be unmapped: so there are no translations at all
	// between the old tables and the new. DSB before completes the stores to the
	// tables and the maintenance above.
	DSB  $15
	MRS  SCTLR_EL1, R3
	MOVD $SCTLR_M_C, R4
	BIC  R4, R3, R4
	MSR  R4, SCTLR_EL1
	ISB  $15
	MSR  R8, TTBR0_EL1
	ISB  $15
	TLBI VMALLE1
	WORD $0xd508751f          // IC IALLU
	DSB  $15
	ISB  $15
	MSR  R3, SCTLR_EL1
	ISB  $15
	RET
