#include "textflag.h"
#include "entry_arm64.h"

// Handlers run Go code on stacks of their own, with a g of their own that is
// nothing but stack bounds: what they call must not allocate, block, or write
// a pointer to memory that the collector knows. Go itself runs on SP_EL0, so
// an exception finds its stack in SP_EL1, and one within a handler comes by
// other vectors.

// These follow the order of Frame. BASE is RSP or R16.
#define SAVE_2_TO_15(BASE) \
	STP   (R2, R3), 16(BASE) \
	STP   (R4, R5), 32(BASE) \
	STP   (R6, R7), 48(BASE) \
	STP   (R8, R9), 64(BASE) \
	STP   (R10, R11), 80(BASE) \
	STP   (R12, R13), 96(BASE) \
	STP   (R14, R15), 112(BASE)

#define SAVE_18_TO_29(BASE) \
	STP   (R18_PLATFORM, R19), 144(BASE) \
	STP   (R20, R21), 160(BASE) \
	STP   (R22, R23), 176(BASE) \
	STP   (R24, R25), 192(BASE) \
	STP   (R26, R27), 208(BASE) \
	STP   (g, R29), 224(BASE)

#define LOAD_2_TO_15(BASE) \
	LDP   16(BASE), (R2, R3) \
	LDP   32(BASE), (R4, R5) \
	LDP   48(BASE), (R6, R7) \
	LDP   64(BASE), (R8, R9) \
	LDP   80(BASE), (R10, R11) \
	LDP   96(BASE), (R12, R13) \
	LDP   112(BASE), (R14, R15)

#define LOAD_18_TO_29(BASE) \
	LDP   144(BASE), (R18_PLATFORM, R19) \
	LDP   160(BASE), (R20, R21) \
	LDP   176(BASE), (R22, R23) \
	LDP   192(BASE), (R24, R25) \
	LDP   208(BASE), (R26, R27) \
	LDP   224(BASE), (g, R29)

#define SAVE_V \
	FSTPQ (F0, F1), (FRAME_V+0)(RSP) \
	FSTPQ (F2, F3), (FRAME_V+32)(RSP) \
	FSTPQ (F4, F5), (FRAME_V+64)(RSP) \
	FSTPQ (F6, F7), (FRAME_V+96)(RSP) \
	FSTPQ (F8, F9), (FRAME_V+128)(RSP) \
	FSTPQ (F10, F11), (FRAME_V+160)(RSP) \
	FSTPQ (F12, F13), (FRAME_V+192)(RSP) \
	FSTPQ (F14, F15), (FRAME_V+224)(RSP) \
	FSTPQ (F16, F17), (FRAME_V+256)(RSP) \
	FSTPQ (F18, F19), (FRAME_V+288)(RSP) \
	FSTPQ (F20, F21), (FRAME_V+320)(RSP) \
	FSTPQ (F22, F23), (FRAME_V+352)(RSP) \
	FSTPQ (F24, F25), (FRAME_V+384)(RSP) \
	FSTPQ (F26, F27), (FRAME_V+416)(RSP) \
	FSTPQ (F28, F29), (FRAME_V+448)(RSP) \
	FSTPQ (F30, F31), (FRAME_V+480)(RSP)

#define LOAD_V \
	FLDPQ (FRAME_V+0)(RSP), (F0, F1) \
	FLDPQ (FRAME_V+32)(RSP), (F2, F3) \
	FLDPQ (FRAME_V+64)(RSP), (F4, F5) \
	FLDPQ (FRAME_V+96)(RSP), (F6, F7) \
	FLDPQ (FRAME_V+128)(RSP), (F8, F9) \
	FLDPQ (FRAME_V+160)(RSP), (F10, F11) \
	FLDPQ (FRAME_V+192)(RSP), (F12, F13) \
	FLDPQ (FRAME_V+224)(RSP), (F14, F15) \
	FLDPQ (FRAME_V+256)(RSP), (F16, F17) \
	FLDPQ (FRAME_V+288)(RSP), (F18, F19) \
	FLDPQ (FRAME_V+320)(RSP), (F20, F21) \
	FLDPQ (FRAME_V+352)(RSP), (F22, F23) \
	FLDPQ (FRAME_V+384)(RSP), (F24, F25) \
	FLDPQ (FRAME_V+416)(RSP), (F26, F27) \
	FLDPQ (FRAME_V+448)(RSP), (F28, F29) \
	FLDPQ (FRAME_V+480)(RSP), (F30, F31)

// Syscall stands where the stock runtime has an SVC instruction: number in R8,
// arguments from R0 on, result in R0. The call site keeps its own link
// register in R17; only R16 is lost.
TEXT runtime∕goos·Syscall(SB), NOSPLIT|NOFRAME, $0
	MOVD  $·handlerStacks+(SYSCALL_STACK-FRAME_SIZE)(SB), R16
	AND   $~15, R16
	STP   (R0, R1), 0(R16)
	SAVE_2_TO_15(R16)
	MOVD  R17, 136(R16)
	SAVE_18_TO_29(R16)
	MOVD  R30, 240(R16)
	MOVD  R30, FRAME_PC(R16)
	MOVD  RSP, R0
	MOVD  R0, FRAME_SP(R16)

	MOVD  R16, RSP
	SUB   $32, RSP
	MOVD  R16, 8(RSP)         // argument
	MOVD  $·handlerG(SB), g
	MOVD  $·syscall(SB), R1   // indirect: the caller's stack is not used
	BL    (R1)
	ADD   $32, RSP, R16

	LDP   0(R16), (R0, R1)
	LOAD_2_TO_15(R16)
	MOVD  136(R16), R17
	LOAD_18_TO_29(R16)
	MOVD  240(R16), R30
	MOVD  FRAME_SP(R16), R16
	MOVD  R16, RSP
	RET

// fault is where the vectors of exceptions out of Go code lead: RSP is a
// Frame with R0 and R1 in it, R0 the vector.
TEXT ·fault(SB), NOSPLIT|NOFRAME, $0
	SAVE_2_TO_15(RSP)
	STP   (R16, R17), 128(RSP)
	SAVE_18_TO_29(RSP)
	MOVD  R30, 240(RSP)
	MOVD  R0, FRAME_VECTOR(RSP)
	MRS   SP_EL0, R0
	MOVD  R0, FRAME_SP(RSP)
	MRS   ELR_EL1, R0
	MOVD  R0, FRAME_PC(RSP)
	MRS   SPSR_EL1, R0
	MOVD  R0, FRAME_PSTATE(RSP)
	MRS   ESR_EL1, R0
	MOVD  R0, FRAME_ESR(RSP)
	MRS   FAR_EL1, R0
	MOVD  R0, FRAME_FAR(RSP)
	MRS   FPSR, R0
	MOVD  R0, FRAME_FPSR(RSP)
	MRS   FPCR, R0
	MOVD  R0, FRAME_FPCR(RSP)
	SAVE_V
	MOVD  $·exception(SB), R1
	JMP   ·handle(SB)

// sigreturn is where a signal handler's return leads, as it leads to
// rt_sigreturn(2) on Linux: the frame to go on with is made on the exceptions'
// stack, which is empty.
TEXT ·sigreturn(SB), NOSPLIT|NOFRAME, $0
	MSR   $1, SPSel
	PUSH_FRAME
	MOVD  $·fillFrame(SB), R1
	JMP   ·handle(SB)

// handle calls the Go function at R1 with the Frame at RSP, and loads it.
TEXT ·handle(SB), NOSPLIT|NOFRAME, $0
	MOVD  RSP, R0
	SUB   $32, RSP
	MOVD  R0, 8(RSP)          // argument
	MOVD  $·handlerG(SB), g
	BL    (R1)
	ADD   $32, RSP

	MOVD  FRAME_FPSR(RSP), R0
	MSR   R0, FPSR
	MOVD  FRAME_FPCR(RSP), R0
	MSR   R0, FPCR
	LOAD_V
	MOVD  FRAME_SP(RSP), R0
	MSR   R0, SP_EL0
	MOVD  FRAME_PC(RSP), R0
	MSR   R0, ELR_EL1
	MOVD  FRAME_PSTATE(RSP), R0
	MSR   R0, SPSR_EL1
	LOAD_2_TO_15(RSP)
	LDP   128(RSP), (R16, R17)
	LOAD_18_TO_29(RSP)
	MOVD  240(RSP), R30
	LDP   0(RSP), (R0, R1)
	ADD   $FRAME_SIZE, RSP
	ERET

// nested is for an exception on the exceptions' stack: R0 is the vector. The
// second time it stops, as saying so must have failed.
TEXT ·nested(SB), NOSPLIT|NOFRAME, $0
	MOVD  ·early(SB), R1
	CBNZ  R1, stop
	MOVD  $1, R1
	MOVD  R1, ·early(SB)
	MOVD  $·handlerStacks+(HANDLER_STACKS-FRAME_SIZE)(SB), R1
	AND   $~15, R1
	MOVD  R1, RSP
	JMP   ·fault(SB)
stop:
	JMP   ·stop(SB)

// func SigReturn() uintptr
TEXT ·SigReturn(SB), NOSPLIT, $0-8
	MOVD  $·sigreturn(SB), R0
	MOVD  R0, ret+0(FP)
	RET

// func OnHandlerStack(sp uint64) bool
TEXT ·OnHandlerStack(SB), NOSPLIT, $0-9
	MOVD  sp+0(FP), R0
	MOVD  $·handlerStacks(SB), R1
	SUB   R1, R0
	MOVD  $HANDLER_STACKS, R1
	CMP   R1, R0
	CSET  LS, R0
	MOVB  R0, ret+8(FP)
	RET
