#include "textflag.h"
#include "entry_riscv64.h"

// Handlers run Go code on stacks of their own, with a g of their own that is
// nothing but stack bounds: what they call must not allocate, block, or write
// a pointer to memory that the collector knows. An exception finds the place for
// its Frame in sscratch, which is 0 within a handler of exceptions.

// These follow the order of Frame, without X2 and X31.
#define SAVE_X(BASE) \
	MOV X1, 8(BASE) \
	MOV X3, 24(BASE) \
	MOV TP, 32(BASE) \
	MOV X5, 40(BASE) \
	MOV X6, 48(BASE) \
	MOV X7, 56(BASE) \
	MOV X8, 64(BASE) \
	MOV X9, 72(BASE) \
	MOV X10, 80(BASE) \
	MOV X11, 88(BASE) \
	MOV X12, 96(BASE) \
	MOV X13, 104(BASE) \
	MOV X14, 112(BASE) \
	MOV X15, 120(BASE) \
	MOV X16, 128(BASE) \
	MOV X17, 136(BASE) \
	MOV X18, 144(BASE) \
	MOV X19, 152(BASE) \
	MOV X20, 160(BASE) \
	MOV X21, 168(BASE) \
	MOV X22, 176(BASE) \
	MOV X23, 184(BASE) \
	MOV X24, 192(BASE) \
	MOV X25, 200(BASE) \
	MOV X26, 208(BASE) \
	MOV g, 216(BASE) \
	MOV X28, 224(BASE) \
	MOV X29, 232(BASE) \
	MOV X30, 240(BASE)

#define LOAD_X(BASE) \
	MOV 8(BASE), X1 \
	MOV 24(BASE), X3 \
	MOV 32(BASE), TP \
	MOV 40(BASE), X5 \
	MOV 48(BASE), X6 \
	MOV 56(BASE), X7 \
	MOV 64(BASE), X8 \
	MOV 72(BASE), X9 \
	MOV 80(BASE), X10 \
	MOV 88(BASE), X11 \
	MOV 96(BASE), X12 \
	MOV 104(BASE), X13 \
	MOV 112(BASE), X14 \
	MOV 120(BASE), X15 \
	MOV 128(BASE), X16 \
	MOV 136(BASE), X17 \
	MOV 144(BASE), X18 \
	MOV 152(BASE), X19 \
	MOV 160(BASE), X20 \
	MOV 168(BASE), X21 \
	MOV 176(BASE), X22 \
	MOV 184(BASE), X23 \
	MOV 192(BASE), X24 \
	MOV 200(BASE), X25 \
	MOV 208(BASE), X26 \
	MOV 216(BASE), g \
	MOV 224(BASE), X28 \
	MOV 232(BASE), X29 \
	MOV 240(BASE), X30

#define SAVE_F \
	MOVD F0, (FRAME_F+0)(X2) \
	MOVD F1, (FRAME_F+8)(X2) \
	MOVD F2, (FRAME_F+16)(X2) \
	MOVD F3, (FRAME_F+24)(X2) \
	MOVD F4, (FRAME_F+32)(X2) \
	MOVD F5, (FRAME_F+40)(X2) \
	MOVD F6, (FRAME_F+48)(X2) \
	MOVD F7, (FRAME_F+56)(X2) \
	MOVD F8, (FRAME_F+64)(X2) \
	MOVD F9, (FRAME_F+72)(X2) \
	MOVD F10, (FRAME_F+80)(X2) \
	MOVD F11, (FRAME_F+88)(X2) \
	MOVD F12, (FRAME_F+96)(X2) \
	MOVD F13, (FRAME_F+104)(X2) \
	MOVD F14, (FRAME_F+112)(X2) \
	MOVD F15, (FRAME_F+120)(X2) \
	MOVD F16, (FRAME_F+128)(X2) \
	MOVD F17, (FRAME_F+136)(X2) \
	MOVD F18, (FRAME_F+144)(X2) \
	MOVD F19, (FRAME_F+152)(X2) \
	MOVD F20, (FRAME_F+160)(X2) \
	MOVD F21, (FRAME_F+168)(X2) \
	MOVD F22, (FRAME_F+176)(X2) \
	MOVD F23, (FRAME_F+184)(X2) \
	MOVD F24, (FRAME_F+192)(X2) \
	MOVD F25, (FRAME_F+200)(X2) \
	MOVD F26, (FRAME_F+208)(X2) \
	MOVD F27, (FRAME_F+216)(X2) \
	MOVD F28, (FRAME_F+224)(X2) \
	MOVD F29, (FRAME_F+232)(X2) \
	MOVD F30, (FRAME_F+240)(X2) \
	MOVD F31, (FRAME_F+248)(X2)

#define LOAD_F \
	MOVD (FRAME_F+0)(X2), F0 \
	MOVD (FRAME_F+8)(X2), F1 \
	MOVD (FRAME_F+16)(X2), F2 \
	MOVD (FRAME_F+24)(X2), F3 \
	MOVD (FRAME_F+32)(X2), F4 \
	MOVD (FRAME_F+40)(X2), F5 \
	MOVD (FRAME_F+48)(X2), F6 \
	MOVD (FRAME_F+56)(X2), F7 \
	MOVD (FRAME_F+64)(X2), F8 \
	MOVD (FRAME_F+72)(X2), F9 \
	MOVD (FRAME_F+80)(X2), F10 \
	MOVD (FRAME_F+88)(X2), F11 \
	MOVD (FRAME_F+96)(X2), F12 \
	MOVD (FRAME_F+104)(X2), F13 \
	MOVD (FRAME_F+112)(X2), F14 \
	MOVD (FRAME_F+120)(X2), F15 \
	MOVD (FRAME_F+128)(X2), F16 \
	MOVD (FRAME_F+136)(X2), F17 \
	MOVD (FRAME_F+144)(X2), F18 \
	MOVD (FRAME_F+152)(X2), F19 \
	MOVD (FRAME_F+160)(X2), F20 \
	MOVD (FRAME_F+168)(X2), F21 \
	MOVD (FRAME_F+176)(X2), F22 \
	MOVD (FRAME_F+184)(X2), F23 \
	MOVD (FRAME_F+192)(X2), F24 \
	MOVD (FRAME_F+200)(X2), F25 \
	MOVD (FRAME_F+208)(X2), F26 \
	MOVD (FRAME_F+216)(X2), F27 \
	MOVD (FRAME_F+224)(X2), F28 \
	MOVD (FRAME_F+232)(X2), F29 \
	MOVD (FRAME_F+240)(X2), F30 \
	MOVD (FRAME_F+248)(X2), F31


// Syscall stands where the stock runtime has an ECALL instruction: number in
// A7, arguments from A0 on, result in A0. The call site keeps its own link
// register in X29; only X31 is lost.
TEXT runtime∕goos·Syscall(SB), NOSPLIT|NOFRAME, $0
	MOV  $·handlerStacks+(SYSCALL_STACK-FRAME_SIZE)(SB), X31
	ANDI $~15, X31
	SAVE_X(X31)
	MOV  X1, FRAME_PC(X31)
	MOV  X2, 16(X31)

	ADD  $-32, X31, X2
	MOV  X31, 8(X2)           // argument
	MOV  $·handlerG(SB), g
	MOV  $·syscall(SB), T0    // indirect: the caller's stack is not used
	JALR RA, T0
	ADD  $32, X2, X31

	LOAD_X(X31)
	MOV  16(X31), X2
	RET

// vectors is where every exception leads: the two lowest bits of stvec are its
// mode. There are no interrupts.
TEXT ·vectors(SB), NOSPLIT|NOFRAME, $0
	PCALIGN $8
	CSRRW X2, SSCRATCH, X2
	BEQZ  X2, nested
fault:
	SAVE_X(X2)
	MOV   X31, 248(X2)
	CSRRW X0, SSCRATCH, T0
	MOV   T0, 16(X2)
	CSRRS X0, SEPC, T0
	MOV   T0, FRAME_PC(X2)
	CSRRS X0, SSTATUS, T0
	MOV   T0, FRAME_STATUS(X2)
	CSRRS X0, SCAUSE, T0
	MOV   T0, FRAME_CAUSE(X2)
	CSRRS X0, STVAL, T0
	MOV   T0, FRAME_VALUE(X2)
	MOV   ·early(SB), T0
	MOV   T0, FRAME_NESTED(X2)
	CSRRS X0, FCSR, T0
	MOV   T0, FRAME_FCSR(X2)
	SAVE_F
	MOV   $·exception(SB), T0
	JMP   ·handle(SB)

	// An exception on the exceptions' stack, whose stack pointer is in sscratch
	// now: its frame is the handler's own. The second time it stops, as saying
	// so must have failed. X31 is lost.
nested:
	MOV   ·early(SB), X2
	BNEZ  X2, stop
	MOV   $1, X2
	MOV   X2, ·early(SB)
	MOV   $·handlerStacks+(HANDLER_STACKS-FRAME_SIZE)(SB), X2
	ANDI  $~15, X2
	JMP   fault
stop:
	JMP   ·stop(SB)

// sigreturn is where a signal handler's return leads, as it leads to
// rt_sigreturn(2) on Linux: the frame to go on with is made on the exceptions'
// stack, which is empty.
TEXT ·sigreturn(SB), NOSPLIT|NOFRAME, $0
	MOV   $·handlerStacks+(HANDLER_STACKS-FRAME_SIZE)(SB), X2
	ANDI  $~15, X2
	CSRRW X0, SSCRATCH, X0
	CSRRS X0, SSTATUS, T0
	MOV   $SSTATUS_SPP, T1
	OR    T1, T0
	ANDI  $~SSTATUS_SPIE, T0
	MOV   T0, FRAME_STATUS(X2)
	MOV   $·fillFrame(SB), T0
	JMP   ·handle(SB)

// handle calls the Go function at T0 with the Frame at X2, and loads it.
TEXT ·handle(SB), NOSPLIT|NOFRAME, $0
	MOV   X2, T1
	ADD   $-32, X2
	MOV   T1, 8(X2)           // argument
	MOV   $·handlerG(SB), g
	JALR  RA, T0
	ADD   $32, X2

	MOV   FRAME_FCSR(X2), T0
	CSRRW T0, FCSR, X0
	LOAD_F
	MOV   FRAME_PC(X2), T0
	CSRRW T0, SEPC, X0
	MOV   FRAME_STATUS(X2), T0
	CSRRW T0, SSTATUS, X0
	CSRRW X2, SSCRATCH, X0    // for the next one
	LOAD_X(X2)
	MOV   248(X2), X31
	MOV   16(X2), X2
	SRET_

// func SigReturn() uintptr
TEXT ·SigReturn(SB), NOSPLIT, $0-8
	MOV  $·sigreturn(SB), T0
	MOV  T0, ret+0(FP)
	RET

// func OnHandlerStack(sp uint64) bool
TEXT ·OnHandlerStack(SB), NOSPLIT, $0-9
	MOV  sp+0(FP), T0
	MOV  $·handlerStacks(SB), T1
	SUB  T1, T0
	MOV  $HANDLER_STACKS, T1
	SLTU T0, T1, T0           // above it
	XOR  $1, T0
	MOVB T0, ret+8(FP)
	RET
