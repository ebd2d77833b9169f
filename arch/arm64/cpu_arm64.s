#include "textflag.h"

// func Counter() uint64
TEXT ·Counter(SB), NOSPLIT, $0-8
	ISB  $15
	MRS  CNTVCT_EL0, R0
	MOVD R0, ret+0(FP)
	RET

// func CounterFrequency() uint64
TEXT ·CounterFrequency(SB), NOSPLIT, $0-8
	MRS  CNTFRQ_EL0, R0
	MOVD R0, ret+0(FP)
	RET

// func ISAR0() uint64
TEXT ·ISAR0(SB), NOSPLIT, $0-8
	MRS  ID_AA64ISAR0_EL1, R0
	MOVD R0, ret+0(FP)
	RET

// func RNDR() (v uint64, ok bool)
//
// RNDR is S3_3_C2_C4_0; it sets Z when there is no number.
TEXT ·RNDR(SB), NOSPLIT, $0-9
	WORD $0xd53b2400 // MRS RNDR, R0
	CSET NE, R1
	MOVD R0, v+0(FP)
	MOVB R1, ok+8(FP)
	RET

// func Yield()
TEXT ·Yield(SB), NOSPLIT, $0-0
	YIELD
	RET

// func Halt()
TEXT ·Halt(SB), NOSPLIT, $0-0
	MSR  $15, DAIFSet
	WFI
	JMP  -1(PC)

// func Semihosting(op uint32, parameter uintptr)
TEXT ·Semihosting(SB), NOSPLIT, $0-16
	MOVWU op+0(FP), R0
	MOVD  parameter+8(FP), R1
	HLT   $0xf000
	RET

// func PSCI(function uint32, bySMC bool)
TEXT ·PSCI(SB), NOSPLIT, $0-5
	MOVWU function+0(FP), R0
	MOVBU bySMC+4(FP), R1
	CBNZ  R1, smc
	HVC   $0
	RET
smc:
	SMC   $0
	RET

// func Load32(addr uintptr) uint32
TEXT ·Load32(SB), NOSPLIT, $0-12
	MOVD  addr+0(FP), R0
	MOVWU (R0), R1
	MOVW  R1, ret+8(FP)
	RET

// func Store32(addr uintptr, value uint32)
TEXT ·Store32(SB), NOSPLIT, $0-12
	MOVD addr+0(FP), R0
	MOVW value+8(FP), R1
	MOVW R1, (R0)
	RET
