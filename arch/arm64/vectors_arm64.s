#include "textflag.h"
#include "entry_arm64.h"

// The vector table (D1.4.1, "Exception vectors"): 2 KiB aligned, sixteen
// entries of 32 instructions. Entries 0 to 3 are exceptions out of Go code,
// which runs on SP_EL0, and 4 to 7 exceptions on SP_EL1: within a handler or
// within the entry code. Nothing runs in EL0, so the rest only stops.
// Numbers are those of frame.go.

#define FAULT(vector) \
	PCALIGN $128 \
	PUSH_FRAME \
	STP  (R0, R1), 0(RSP) \
	MOVD $vector, R0 \
	JMP  ·fault(SB)

#define NESTED(vector) \
	PCALIGN $128 \
	MOVD $vector, R0 \
	JMP  ·nested(SB)

#define STOP \
	PCALIGN $128 \
	JMP  ·stop(SB)

TEXT ·vectors(SB), NOSPLIT|NOFRAME, $0
	PCALIGN $2048
	PUSH_FRAME
	STP  (R0, R1), 0(RSP)
	MOVD $0, R0
	JMP  ·fault(SB)
	FAULT(1)
	FAULT(2)
	FAULT(3)
	NESTED(4)
	NESTED(5)
	NESTED(6)
	NESTED(7)
	STOP
	STOP
	STOP
	STOP
	STOP
	STOP
	STOP
	STOP
