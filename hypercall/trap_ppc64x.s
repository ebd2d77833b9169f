//go:build ppc64 || ppc64le

#include "textflag.h"

// func Trap(op Op, a1, a2, a3, a4, a5 uintptr) int64
//
// The call may change r0, r4 to r12, CTR, XER and CR0. An interrupt is no
// barrier (Power ISA 3.0B, book II, 1.7.1 "Storage Access Ordering"): SYNC makes
// a ring's index that was stored before EVTCHNOP_send seen before the event is.
TEXT ·Trap(SB), NOSPLIT|NOFRAME, $0-56
	MOVWZ ·present(SB), R3
	CMP   R3, $0
	BEQ   none
	MOVWZ op+0(FP), R3
	OR    $0xffffffffffff0000, R3
	MOVD  a1+8(FP), R4
	MOVD  a2+16(FP), R5
	MOVD  a3+24(FP), R6
	MOVD  a4+32(FP), R7
	MOVD  a5+40(FP), R8
	SYNC
	WORD  $0x44000022 // sc 1
	XOR   R0, R0, R0  // as Go wants it
	MOVD  R3, ret+48(FP)
	RET
none:
	MOVD $-38, R3     // -ENOSYS
	MOVD R3, ret+48(FP)
	RET
