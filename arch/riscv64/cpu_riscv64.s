#include "textflag.h"
#include "entry_riscv64.h"

// func Counter() uint64
//
// Reading time is ordered like a device input by FENCE (volume I, "Memory
// Ordering Instructions"): without it a deadline may be read before the ring that
// is waited for.
TEXT ·Counter(SB), NOSPLIT, $0-8
	FENCE
	RDTIME T0
	MOV    T0, ret+0(FP)
	RET

// func Pause()
TEXT ·Pause(SB), NOSPLIT, $0-0
	WORD $0x0100000f // PAUSE
	RET

// func Halt()
TEXT ·Halt(SB), NOSPLIT, $0-0
	WFI_
	JMP -1(PC)

// func SBICall(extension, function, a0, a1, a2 uint64) (code int64, value uint64)
//
// What the callee reads must be there: an exception is no barrier.
TEXT ·SBICall(SB), NOSPLIT, $0-56
	MOV   extension+0(FP), A7
	MOV   function+8(FP), A6
	MOV   a0+16(FP), A0
	MOV   a1+24(FP), A1
	MOV   a2+32(FP), A2
	MOV   ZERO, A3
	MOV   ZERO, A4
	MOV   ZERO, A5
	FENCE
	ECALL
	MOV   A0, code+40(FP)
	MOV   A1, value+48(FP)
	RET

// func Load8(addr uintptr) uint8
TEXT ·Load8(SB), NOSPLIT, $0-9
	MOV   addr+0(FP), T0
	MOVBU (T0), T1
	FENCE
	MOVB  T1, ret+8(FP)
	RET

// func Store8(addr uintptr, value uint8)
TEXT ·Store8(SB), NOSPLIT, $0-9
	MOV   addr+0(FP), T0
	MOVBU value+8(FP), T1
	FENCE
	MOVB  T1, (T0)
	RET

// func Load32(addr uintptr) uint32
TEXT ·Load32(SB), NOSPLIT, $0-12
	MOV   addr+0(FP), T0
	MOVWU (T0), T1
	FENCE
	MOVW  T1, ret+8(FP)
	RET

// func Store32(addr uintptr, value uint32)
TEXT ·Store32(SB), NOSPLIT, $0-12
	MOV   addr+0(FP), T0
	MOVWU value+8(FP), T1
	FENCE
	MOVW  T1, (T0)
	RET
