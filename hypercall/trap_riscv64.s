#include "textflag.h"

// EXTENSION is Xen's, of the firmware's space of SBI extensions.
#define EXTENSION 0x0A000007

// func Trap(op Op, a1, a2, a3, a4, a5 uintptr) int64
//
// Nothing here outlives the call but what SBI keeps: all but a0 and a1 (SBI
// specification, "Binary Encoding").
//
// An exception is no barrier: FENCE makes a ring's index that was stored before
// EVTCHNOP_send observed before the event is (The RISC-V Instruction Set Manual,
// volume I, "Memory Ordering Instructions").
TEXT ·Trap(SB), NOSPLIT, $0-56
	MOVWU ·present(SB), T0
	BEQZ  T0, none
	MOVWU op+0(FP), A6
	MOV   $EXTENSION, A7
	MOV   ZERO, A0
	MOV   a1+8(FP), A1
	MOV   a2+16(FP), A2
	MOV   a3+24(FP), A3
	MOV   a4+32(FP), A4
	MOV   a5+40(FP), A5
	FENCE
	ECALL
	MOV   A0, ret+48(FP)
	RET
none:
	MOV   $-38, A0 // -ENOSYS
	MOV   A0, ret+48(FP)
	RET
