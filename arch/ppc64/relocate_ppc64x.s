//go:build ppc64 || ppc64le

#include "textflag.h"
#include "entry_ppc64x.h"

// Most loaders choose the place of a kernel themselves (skiboot 512 MiB, kexec
// where there is room), and the program runs where it is linked: the image is
// moved first. Where the link address is no RAM or taken, nothing can be printed.

// MOVER is where the copy loop runs, in the page of the first instructions, which
// nobody needs any more.
#define MOVER 0x800
#define MOVER_SIZE 0x100

// relocate moves the image from where it is to where it is linked, and starts
// it anew. R16 = where the entry is, R17 = where it is linked, both 4 more; R19
// to R21 as in CPUInit, which reads them from R3 to R5.
TEXT ·relocate(SB), NOSPLIT|NOFRAME, $0
	SUB    R17, R16, R18      // from the new place to the old
	MOVD   $LOADADDR, R23     // to
	ADD    R18, R23, R24      // from
	MOVD   $runtime·bss+7(SB), R25
	SUB    R23, R25
	RLDICR $0, R25, $60, R25  // bytes
	SUB    $4, R17            // where to go on

	// A device tree in the way would be lost.
	CMP    R21, $0
	BNE    room
	ADD    R25, R23, R3
	CMPU   R19, R3
	BGE    room
	ADD    $4, R19, R4
	LOADBE (R4), R4
	MOVD   $FDT_MAX, R5
	CMPU   R4, R5
	BLE    small
	MOVD   R5, R4
small:
	ADD    R19, R4
	CMPU   R4, R23
	BGT    stop
room:
	// The loop runs in the lower of both places: a copy downwards never comes
	// back to its first page, and one upwards works from the end and does not
	// reach the page before the source.
	MOVD   R23, R26
	CMPU   R24, R23
	BGE    lower
	MOVD   R24, R26
lower:
	ADD    $MOVER, R26
	MOVD   $·mover(SB), R3
	ADD    R18, R3            // where it is now
	MOVD   R26, R4
	MOVD   $(MOVER_SIZE/8), R5
	MOVD   R5, CTR
words:
	MOVD   (R3), R5
	MOVD   R5, (R4)
	ADD    $8, R3
	ADD    $8, R4
	BDNZ   words
	MOVD   R26, R3
	ADD    $MOVER_SIZE, R26, R4
	// Book II, 4.3.2 "Data Cache Instructions" and 4.3.1: what is written as
	// data is fetched only after DCBST, SYNC, ICBI and ISYNC.
lines:
	DCBST  (R3)
	SYNC
	ICBI   (R3)
	ADD    $32, R3
	CMPU   R3, R4
	BLT    lines
	SYNC
	ISYNC
	MOVD   R26, CTR
	BR     (CTR)
stop:
	BR     0(PC)

// mover copies R25 bytes from R24 to R23, but for the first page, and goes to
// R17 with R3 to R5 as they were. It runs anywhere.
TEXT ·mover(SB), NOSPLIT|NOFRAME, $0
	CMPU   R24, R23
	BLT    upwards
	ADD    $0x1000, R23, R3
	ADD    $0x1000, R24, R4
	ADD    R25, R23, R5
forward:
	MOVD   (R4), R6
	MOVD   R6, (R3)
	ADD    $8, R3
	ADD    $8, R4
	CMPU   R3, R5
	BLT    forward
	BR     moved
upwards:
	ADD    R25, R23, R3
	ADD    R25, R24, R4
	ADD    $0x1000, R23, R5
backward:
	SUB    $8, R3
	SUB    $8, R4
	MOVD   (R4), R6
	MOVD   R6, (R3)
	CMPU   R3, R5
	BGT    backward
moved:
	MOVD   R23, R3
	ADD    R25, R23, R5
lines:
	DCBST  (R3)
	SYNC
	ICBI   (R3)
	ADD    $32, R3
	CMPU   R3, R5
	BLT    lines
	SYNC
	ISYNC
	MOVD   R19, R3
	MOVD   R20, R4
	MOVD   R21, R5
	MOVD   R17, CTR
	BR     (CTR)
