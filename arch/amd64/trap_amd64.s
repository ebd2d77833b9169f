#include "textflag.h"
#include "entry_amd64.h"

// Handlers run Go code on stacks of their own, with a g of their own that is
// nothing but stack bounds: what they call must not allocate, block, or write
// a pointer to memory that the collector knows.

GLOBL ·handlerG(SB), NOPTR, $1024
GLOBL ·syscallStack(SB), NOPTR, $SYSCALL_STACK
GLOBL ·faultStack(SB), NOPTR, $FAULT_STACK

// PUSH_REGS and POP_REGS follow the order of Frame.
#define PUSH_REGS \
	PUSHQ AX \
	PUSHQ BX \
	PUSHQ CX \
	PUSHQ DX \
	PUSHQ SI \
	PUSHQ DI \
	PUSHQ BP \
	PUSHQ R8 \
	PUSHQ R9 \
	PUSHQ R10 \
	PUSHQ R11 \
	PUSHQ R12 \
	PUSHQ R13 \
	PUSHQ R14 \
	PUSHQ R15

#define POP_REGS \
	POPQ R15 \
	POPQ R14 \
	POPQ R13 \
	POPQ R12 \
	POPQ R11 \
	POPQ R10 \
	POPQ R9 \
	POPQ R8 \
	POPQ BP \
	POPQ DI \
	POPQ SI \
	POPQ DX \
	POPQ CX \
	POPQ BX \
	POPQ AX

// Syscall stands where the stock runtime has a SYSCALL instruction: number in
// AX, arguments in DI SI DX R10 R8 R9, result in AX, and only CX and R11 lost.
TEXT runtime∕goos·Syscall(SB), NOSPLIT|NOFRAME, $0
	MOVQ SP, R11
	MOVQ 0(SP), CX
	LEAQ ·syscallStack+SYSCALL_STACK(SB), SP
	ANDQ $~15, SP
	PUSHQ $SEL_DATA
	PUSHQ R11
	ADDQ  $8, 0(SP)           // the caller's stack without the return address
	PUSHFQ
	PUSHQ $SEL_CODE
	PUSHQ CX
	PUSHQ $0
	PUSHQ $0
	PUSH_REGS
	PUSHQ $0                  // Frame.FX

	MOVQ TLS, CX
	MOVQ 0(CX)(TLS*1), AX
	LEAQ ·handlerG(SB), BX
	MOVQ BX, 0(CX)(TLS*1)
	MOVQ SP, BX
	PUSHQ AX
	PUSHQ $0                  // result
	PUSHQ BX                  // argument
	MOVQ $·syscall(SB), AX    // indirect: the caller's stack is not used
	CALL AX
	POPQ BX
	POPQ DX
	POPQ AX
	MOVQ TLS, CX
	MOVQ AX, 0(CX)(TLS*1)
	XORPS X15, X15            // zero in Go's internal ABI
	TESTQ DX, DX
	JNE  resume

	ADDQ $8, SP
	POP_REGS
	ADDQ $16, SP
	POPQ CX                   // RIP
	MOVQ 16(SP), R11          // RSP
	MOVQ R11, SP
	JMP  CX

resume:
	MOVQ 0(DX), AX
	TESTQ AX, AX
	JEQ  2(PC)
	FXRSTOR64 (AX)
	LEAQ 8(DX), SP
	POP_REGS
	ADDQ $16, SP
	IRETQ

// fault is where every exception vector leads, with vector and error code
// pushed above the processor's own frame.
//
// In a PV domain Xen has pushed it all on the stack that was in use: what it is
// moves to the fault stack, with the selector that IRETQ wants in ring 3
// (public/arch-x86/xen-x86_64.h, "RING0 indicates").
TEXT ·fault(SB), NOSPLIT|NOFRAME, $0
	CMPQ ·pvStartInfo(SB), $0
	JEQ  onStack
	PUSHQ AX
	MOVQ  SP, AX
	LEAQ  ·faultStack+FAULT_STACK(SB), SP
	ANDQ  $~15, SP
	PUSHQ 56(AX)              // SS
	PUSHQ 48(AX)              // RSP
	PUSHQ 40(AX)              // RFLAGS
	PUSHQ $FLAT_CS64
	PUSHQ 24(AX)              // RIP
	PUSHQ 16(AX)              // error code
	PUSHQ 8(AX)               // vector
	MOVQ  0(AX), AX
onStack:
	PUSH_REGS
	CLD
	MOVQ SP, BX
	SUBQ $(512+16), SP
	FXSAVE64 (SP)
	MOVQ SP, -8(BX)           // Frame.FX
	LEAQ -8(BX), BX

	MOVQ TLS, CX
	MOVQ 0(CX)(TLS*1), AX
	PUSHQ AX
	LEAQ ·handlerG(SB), AX
	MOVQ AX, 0(CX)(TLS*1)
	PUSHQ BX
	MOVQ $·exception(SB), AX
	CALL AX
	POPQ BX
	POPQ AX
	MOVQ TLS, CX
	MOVQ AX, 0(CX)(TLS*1)

	FXRSTOR64 (SP)
	ADDQ $(512+16), SP
	POP_REGS
	ADDQ $16, SP
	IRETQ

// func faultStackTop() uintptr
TEXT ·faultStackTop(SB), NOSPLIT, $0-8
	LEAQ ·faultStack+FAULT_STACK(SB), AX
	ANDQ $~15, AX
	MOVQ AX, ret+0(FP)
	RET

// func vectorTable() unsafe.Pointer
TEXT ·vectorTable(SB), NOSPLIT, $0-8
	LEAQ ·vectors(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// func OnHandlerStack(sp uint64) bool
TEXT ·OnHandlerStack(SB), NOSPLIT, $0-9
	MOVQ sp+0(FP), AX
	LEAQ ·syscallStack(SB), BX
	MOVQ AX, CX
	SUBQ BX, CX
	CMPQ CX, $SYSCALL_STACK
	SETLS DX
	LEAQ ·faultStack(SB), BX
	SUBQ BX, AX
	CMPQ AX, $FAULT_STACK
	SETLS CX
	ORL  CX, DX
	ANDL $1, DX
	MOVB DX, ret+8(FP)
	RET
