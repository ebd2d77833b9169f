#include "textflag.h"

// func imageEnd() uint64
TEXT ·imageEnd(SB), NOSPLIT, $0-8
	MOVQ $runtime·end(SB), AX
	MOVQ AX, ret+0(FP)
	RET
