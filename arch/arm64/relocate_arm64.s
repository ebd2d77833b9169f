#include "textflag.h"
#include "entry_arm64.h"

// A domain whose RAM does not begin at 1 GiB (dom0less with its own memory
// layout, another boot loader) has the image elsewhere than it is linked. The
// image is then moved. Where the link address is no RAM, nothing can be
// printed: the processor stops, and xenctx shows it at the abort.

// MOVER is where the copy loop runs, in the page of the Image header, which
// nobody needs any more.
#define MOVER 0x800
#define MOVER_SIZE 0x100

// relocate moves the image from where it is to where it is linked, and starts
// it anew. R19 = device tree, R1 = the entry's address, R2 = as linked.
TEXT ·relocate(SB), NOSPLIT|NOFRAME, $0
	MOVD R2, R25              // where to go on
	MOVD $LOADADDR, R22       // to
	SUB  R2, R1, R1
	ADD  R1, R22, R23         // from
	TST  $0xfff, R1
	BNE  stop                 // no such place by the protocol
	MOVD $runtime·bss+15(SB), R24
	SUB  R23, R24
	AND  $~15, R24            // bytes
	// The stack is not needed, but what faults must not return to random
	// vectors.
	MOVD $·vectors(SB), R1
	MSR  R1, VBAR_EL1
	ISB  $15

	// Lines of the new place that a cache holds, dirty ones too, must not come
	// over what is written now. The last one may share its bytes with others,
	// which are not lost: clean as well.
	MOVD R22, R1
	ADD  R24, R22, R2
	BL   ·writeBack(SB)

	// A device tree in the way would be lost. Nobody promises that its bytes
	// are in memory, and not in a cache that is off now.
	CBZ  R19, clear
	ADD  R24, R22, R1
	CMP  R1, R19
	BHS  clear
	MOVD R19, R1
	ADD  $8, R1, R2
	BL   ·writeBack(SB)
	MOVD $FDT_MAX, R2
	MOVWU 4(R19), R1
	REVW R1, R1
	CMP  R2, R1
	CSEL HI, R2, R1, R1
	ADD  R19, R1
	CMP  R22, R1
	BHI  stop
clear:
	// The loop runs in the lower of both places: a copy downwards never
	// comes back to its first page, and one upwards works from the end and
	// does not reach the page before the source.
	CMP  R22, R23
	CSEL LO, R23, R22, R26
	ADD  $MOVER, R26
	MOVD R26, R1
	ADD  $MOVER_SIZE, R1, R2
	BL   ·writeBack(SB)
	MOVD $·mover(SB), R1
	ADD  $MOVER_SIZE, R1, R2  // more than it has
	MOVD R26, R3
words:
	MOVWU.P 4(R1), R4
	MOVW.P  R4, 4(R3)
	CMP  R2, R1
	BLO  words

	// The words went round the caches. Where the instruction cache is on, a
	// fetch may hit a unified cache's older line (D7.5, "Cache maintenance
	// instructions"; SCTLR_EL1.I).
	MOVD R26, R1
	ADD  $MOVER_SIZE, R1, R2
	BL   ·writeBack(SB)
	WORD $0xd508751f          // IC IALLU
	DSB  $15
	ISB  $15
	MOVD R19, R0
	JMP  (R26)
stop:
	JMP  ·stop(SB)

// mover copies R24 bytes from R23 to R22, but for the first page, and goes to
// R25. It runs anywhere. No line of the new place is dirty; those that were
// fetched meanwhile are dropped.
TEXT ·mover(SB), NOSPLIT|NOFRAME, $0
	CMP  R22, R23
	BLO  upwards
	ADD  $0x1000, R22, R1
	ADD  $0x1000, R23, R2
	ADD  R24, R22, R3
forward:
	LDP.P 16(R2), (R4, R5)
	STP.P (R4, R5), 16(R1)
	CMP  R3, R1
	BLO  forward
	JMP  moved
upwards:
	ADD  R24, R22, R1
	ADD  R24, R23, R2
	ADD  $0x1000, R22, R3
backward:
	LDP.W -16(R2), (R4, R5)
	STP.W (R4, R5), -16(R1)
	CMP  R3, R1
	BHI  backward
moved:
	MRS  CTR_EL0, R3
	UBFX $16, R3, $4, R3
	MOVD $4, R4
	LSL  R3, R4, R3
	MOVD R22, R1
	ADD  R24, R22, R2
	DSB  $15
lines:
	DC   CIVAC, R1
	ADD  R3, R1
	CMP  R2, R1
	BLO  lines
	DSB  $15
	WORD $0xd508751f          // IC IALLU
	DSB  $15
	ISB  $15
	JMP  (R25)
