//go:build ppc64 || ppc64le

#include "textflag.h"
#include "entry_ppc64x.h"

// TCG has no caches and forgets translated code by itself: what is missing here
// shows on hardware only.

// func leave(code, moves, ranges, frame uintptr)
//
// Puts its arguments where trampoline wants them and jumps to the copy of
// trampoline at code. All are physical addresses, and translation is off. Never
// returns.
TEXT ·leave(SB), NOSPLIT|NOFRAME, $0-32
	MOVD code+0(FP), R12
	MOVD moves+8(FP), R3
	MOVD ranges+16(FP), R4
	MOVD frame+24(FP), R31
	MOVD R12, CTR
	BR   (CTR)

// trampoline is the last code of the loader. It runs from a copy that no
// segment of the target overlaps, so it names nothing by address, in real mode:
//
//	R3   moves: {dst, src, size} of 8 bytes each, size 0 ends
//	R4   cache lines that may hold code: {start, end} of 8 bytes each, end 0 ends
//	R31  registers r0 to r31, then where to go on
//
// It must fit between atTrampoline and atFrame. An interrupt would lead into
// memory that is being overwritten: nothing here causes one.
TEXT ·trampoline(SB), NOSPLIT|NOFRAME, $0
	MOVD $0, R0
next:
	MOVD 0(R3), R6            // to
	MOVD 8(R3), R7            // from
	MOVD 16(R3), R8           // bytes
	CMP  R8, $0
	BEQ  code
	ADD  $24, R3
	CMP  R7, $0
	BEQ  zero

copy:
	CMPU R8, $64
	BLT  bytes
	MOVD 0(R7), R9
	MOVD 8(R7), R10
	MOVD 16(R7), R11
	MOVD 24(R7), R12
	MOVD R9, 0(R6)
	MOVD R10, 8(R6)
	MOVD R11, 16(R6)
	MOVD R12, 24(R6)
	MOVD 32(R7), R9
	MOVD 40(R7), R10
	MOVD 48(R7), R11
	MOVD 56(R7), R12
	MOVD R9, 32(R6)
	MOVD R10, 40(R6)
	MOVD R11, 48(R6)
	MOVD R12, 56(R6)
	ADD  $64, R7
	ADD  $64, R6
	SUB  $64, R8
	BR   copy

bytes:
	CMP   R8, $0
	BEQ   next
	MOVBZ (R7), R9
	MOVB  R9, (R6)
	ADD   $1, R7
	ADD   $1, R6
	SUB   $1, R8
	BR    bytes

zero:
	CMPU R8, $64
	BLT  zerobytes
	MOVD R0, 0(R6)
	MOVD R0, 8(R6)
	MOVD R0, 16(R6)
	MOVD R0, 24(R6)
	MOVD R0, 32(R6)
	MOVD R0, 40(R6)
	MOVD R0, 48(R6)
	MOVD R0, 56(R6)
	ADD  $64, R6
	SUB  $64, R8
	BR   zero

zerobytes:
	CMP  R8, $0
	BEQ  next
	MOVB R0, (R6)
	ADD  $1, R6
	SUB  $1, R8
	BR   zerobytes

	// What was written as data is fetched only after DCBST, SYNC, ICBI and
	// ISYNC (Power ISA 3.0B, book II, 4.3.1 "Instruction Cache Instructions").
code:
	MOVD 0(R4), R6
	MOVD 8(R4), R7
	CMP  R7, $0
	BEQ  done
	ADD  $16, R4
	MOVD R6, R8
store:
	DCBST (R8)
	ADD  $128, R8
	CMPU R8, R7
	BLT  store
	SYNC
drop:
	ICBI (R6)
	ADD  $128, R6
	CMPU R6, R7
	BLT  drop
	BR   code

done:
	SYNC
	ISYNC

	// RFID leaves every general register to the target. Of the MSR it keeps 64
	// bits, hypervisor mode, machine checks and the byte order.
	MOVD 256(R31), R6
	MOVD R6, SRR0
	MFMSR(6)
	MOVD $(MSR_NEVER|MSR_FP_RI), R7
	ANDN R7, R6, R6
	ORIS $MSR_VEC_VSX, R6, R6
	XORIS $MSR_VEC_VSX, R6, R6
	MOVD R6, SRR1

	// The rest is as when a processor starts.
	MOVD R0, SPRG0
	MOVD R0, SPRG1
	MOVD R0, SPRG2
	MOVD R0, SPRG3
	MOVD R0, CTR
	MOVD R0, LR
	MOVD R0, XER
	MOVFL R0, CR
	MOVD 0(R31), R0
	MOVD 8(R31), R1
	MOVD 16(R31), R2
	MOVD 24(R31), R3
	MOVD 32(R31), R4
	MOVD 40(R31), R5
	MOVD 48(R31), R6
	MOVD 56(R31), R7
	MOVD 64(R31), R8
	MOVD 72(R31), R9
	MOVD 80(R31), R10
	MOVD 88(R31), R11
	MOVD 96(R31), R12
	MOVD 104(R31), R13
	MOVD 112(R31), R14
	MOVD 120(R31), R15
	MOVD 128(R31), R16
	MOVD 136(R31), R17
	MOVD 144(R31), R18
	MOVD 152(R31), R19
	MOVD 160(R31), R20
	MOVD 168(R31), R21
	MOVD 176(R31), R22
	MOVD 184(R31), R23
	MOVD 192(R31), R24
	MOVD 200(R31), R25
	MOVD 208(R31), R26
	MOVD 216(R31), R27
	MOVD 224(R31), R28
	MOVD 232(R31), R29
	MOVD 240(R31), g
	MOVD 248(R31), R31
	RFID

// lastEnd marks the end of trampoline: the linker keeps the order of a file.
TEXT ·lastEnd(SB), NOSPLIT|NOFRAME, $0
	RET

// func lastCode() (trampoline, end unsafe.Pointer)
TEXT ·lastCode(SB), NOSPLIT|NOFRAME, $0-16
	MOVD $·trampoline(SB), R3
	MOVD R3, trampoline+0(FP)
	MOVD $·lastEnd(SB), R3
	MOVD R3, end+8(FP)
	RET
