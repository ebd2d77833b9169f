//go:build ppc64 || ppc64le

#include "textflag.h"
#include "entry_ppc64x.h"

// func TimeBase() uint64
TEXT ·TimeBase(SB), NOSPLIT|NOFRAME, $0-8
	MOVD TB, R3
	MOVD R3, ret+0(FP)
	RET

// func Version() uint32
TEXT ·Version(SB), NOSPLIT|NOFRAME, $0-4
	MOVD PVR, R3
	MOVW R3, ret+0(FP)
	RET

// func Random() (v uint64, ok bool)
//
// DARN gives all ones for an error (book I, 3.3.9).
TEXT ·Random(SB), NOSPLIT|NOFRAME, $0-9
	WORD $0x7c6105e6 // darn r3,1
	MOVD $1, R4
	CMP  R3, $-1
	BNE  good
	MOVD $0, R4
good:
	MOVD R3, v+0(FP)
	MOVB R4, ok+8(FP)
	RET

// func Yield()
//
// The hint is a lower priority for a moment (book II, 3.2 "or" Instruction).
TEXT ·Yield(SB), NOSPLIT|NOFRAME, $0-0
	OR R27, R27, R27
	RET

// func Halt()
TEXT ·Halt(SB), NOSPLIT|NOFRAME, $0-0
	BR 0(PC)

// func readMSR() uint64
TEXT ·readMSR(SB), NOSPLIT|NOFRAME, $0-8
	MFMSR(3)
	MOVD R3, ret+0(FP)
	RET

// func syncCode(start, end uint64)
//
// Book II, 4.3.1 "Instruction Cache Instructions": what is written as data is
// fetched only after DCBST, SYNC, ICBI and ISYNC. A line has 128 bytes on every
// processor that this is for; half of that does no harm.
TEXT ·syncCode(SB), NOSPLIT|NOFRAME, $0-16
	MOVD start+0(FP), R3
	MOVD end+8(FP), R4
	RLDICR $0, R3, $57, R3
	MOVD R3, R5
store:
	DCBST (R5)
	ADD  $64, R5
	CMPU R5, R4
	BLT  store
	SYNC
drop:
	ICBI (R3)
	ADD  $64, R3
	CMPU R3, R4
	BLT  drop
	SYNC
	ISYNC
	RET

// func Hcall(number, a1, a2, a3, a4 uint64) Result
//
// A call may change r0, r3 to r12, CTR, XER and CR (LoPAR, 14.5.3).
TEXT ·Hcall(SB), NOSPLIT|NOFRAME, $0-72
	MOVD number+0(FP), R3
	MOVD a1+8(FP), R4
	MOVD a2+16(FP), R5
	MOVD a3+24(FP), R6
	MOVD a4+32(FP), R7
	SC_1
	MOVD $0, R0
	MOVD R3, ret_Status+40(FP)
	MOVD R4, ret_Values_0+48(FP)
	MOVD R5, ret_Values_1+56(FP)
	MOVD R6, ret_Values_2+64(FP)
	RET

// firmwareFrame is what Firmware keeps: firmware in 32-bit mode saves the lower
// half of a register.
GLOBL ·firmwareFrame(SB), NOPTR, $256

// func Firmware(entry, clear uint64, regs *[10]uint64) uint64
TEXT ·Firmware(SB), NOSPLIT|NOFRAME, $0-32
	MOVD $·firmwareFrame(SB), R12
	MOVD R1, 0(R12)
	MOVD R2, 8(R12)
	MOVD R13, 16(R12)
	MOVD R14, 24(R12)
	MOVD R15, 32(R12)
	MOVD R16, 40(R12)
	MOVD R17, 48(R12)
	MOVD R18, 56(R12)
	MOVD R19, 64(R12)
	MOVD R20, 72(R12)
	MOVD R21, 80(R12)
	MOVD R22, 88(R12)
	MOVD R23, 96(R12)
	MOVD R24, 104(R12)
	MOVD R25, 112(R12)
	MOVD R26, 120(R12)
	MOVD R27, 128(R12)
	MOVD R28, 136(R12)
	MOVD R29, 144(R12)
	MOVD g, 152(R12)
	MOVD R31, 160(R12)
	MOVD LR, R3
	MOVD R3, 168(R12)
	MFMSR(4)
	MOVD R4, 176(R12)
	MOVD clear+8(FP), R5
	OR   $(MSR_IR_DR|1), R5   // big-endian, real mode
	ANDN R5, R4, R4
	MOVD R4, SRR1
	MOVD entry+0(FP), R4
	MOVD R4, SRR0
	MOVD $·firmwareReturn(SB), R4
	MOVD R4, LR
	MOVD regs+16(FP), R11
	SUB  $512, R1
	MOVD 0(R11), R0
	MOVD 8(R11), R2
	MOVD 16(R11), R3
	MOVD 24(R11), R4
	MOVD 32(R11), R5
	MOVD 40(R11), R6
	MOVD 48(R11), R7
	MOVD 56(R11), R8
	MOVD 64(R11), R9
	MOVD 72(R11), R10
	RFID

// firmwareReturn is where firmware returns to, in real mode.
TEXT ·firmwareReturn(SB), NOSPLIT|NOFRAME, $0
	SWITCH_ENDIAN(native)
native:
	MOVD $0, R0
	MOVD $·firmwareFrame(SB), R12
	MOVD 0(R12), R1
	MOVD 8(R12), R2
	MOVD 16(R12), R13
	MOVD 24(R12), R14
	MOVD 32(R12), R15
	MOVD 40(R12), R16
	MOVD 48(R12), R17
	MOVD 56(R12), R18
	MOVD 64(R12), R19
	MOVD 72(R12), R20
	MOVD 80(R12), R21
	MOVD 88(R12), R22
	MOVD 96(R12), R23
	MOVD 104(R12), R24
	MOVD 112(R12), R25
	MOVD 120(R12), R26
	MOVD 128(R12), R27
	MOVD 136(R12), R28
	MOVD 144(R12), R29
	MOVD 152(R12), g
	MOVD 160(R12), R31
	MOVD R3, (FIXED_FRAME+24)(R1) // ret of Firmware
	MOVD 168(R12), R4
	MOVD R4, SRR0
	MOVD R4, LR
	MOVD 176(R12), R4
	MOVD R4, SRR1
	RFID
