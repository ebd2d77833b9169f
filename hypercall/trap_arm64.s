#include "textflag.h"

// func Trap(op Op, a1, a2, a3, a4, a5 uintptr) int64
//
// A debug build of Xen overwrites x16 and the registers of all arguments
// (do_trap_hypercall in xen/arch/arm/traps.c); nothing here outlives the call.
//
// An exception is no barrier (Arm ARM DDI 0487, "Context synchronization
// event", "Data Memory Barrier"): DMB makes a ring's index that was stored
// before EVTCHNOP_send observed before the event is.
TEXT ·Trap(SB), NOSPLIT, $0-56
	MOVWU ·present(SB), R9
	CBZ   R9, none
	MOVWU op+0(FP), R16
	MOVD  a1+8(FP), R0
	MOVD  a2+16(FP), R1
	MOVD  a3+24(FP), R2
	MOVD  a4+32(FP), R3
	MOVD  a5+40(FP), R4
	DMB   $0xb // ISH
	HVC   $0xEA1
	MOVD  R0, ret+48(FP)
	RET
none:
	MOVD $-38, R0 // -ENOSYS
	MOVD R0, ret+48(FP)
	RET
