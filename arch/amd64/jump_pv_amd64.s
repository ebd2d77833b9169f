#include "textflag.h"
#include "jump_pv_amd64.h"

// DIE ends the domain with the reason "crash": nobody is left to be told but
// the toolstack. Should even that fail, there is no handler for the ud2.
#define DIE \
	LEAQ PV_CRASH(BX), SI        \
	MOVL $SCHEDOP_SHUTDOWN, DI   \
	MOVL $OP_SCHED, AX           \
	SYSCALL                      \
	BYTE $0x0f; BYTE $0x0b

// func leavePV(code, va, entry uintptr)
//
// Puts its arguments where departPV wants them and jumps to the copy of it at
// code. Never returns.
TEXT ·leavePV(SB), NOSPLIT|NOFRAME, $0-24
	MOVQ va+8(FP), R12
	MOVQ entry+16(FP), R13
	MOVQ code+0(FP), BX
	JMP  BX

// departPV and departPV2 are the last code of the loader in a PV domain. They
// run from copies in a page that the target maps, too, and name nothing by
// address:
//
//	BX   where that page is mapped
//	R12  where the target maps it
//	R13  the page table entry for it
//
// What else they want lies in the page, at the places of jump_pv_amd64.h.
// A hypercall changes AX, CX and R11, and Xen may spoil the registers of its
// arguments. There is no stack: the loader's may be what the first call hides.
//
// departPV makes the page seen where the target sees it, and goes on there.
TEXT ·departPV(SB), NOSPLIT|NOFRAME, $0
	CLD
	MOVQ R12, DI
	MOVQ R13, SI
	MOVL $UVMF_INVLPG, DX
	MOVL $OP_UPDATE_VA_MAPPING, AX
	SYSCALL
	TESTQ AX, AX
	JNZ  die
	MOVQ R12, BX
	LEAQ PV_SECOND(BX), AX
	JMP  AX

die:
	DIE

// departPV2 lies at PV_SECOND in the page.
TEXT ·departPV2(SB), NOSPLIT|NOFRAME, $0
	// No handler of ours from here on: a fault ends the domain.
	XORL DI, DI
	MOVL $OP_SET_TRAP_TABLE, AX
	SYSCALL
	TESTQ AX, AX
	JNZ  die

	// The target's tables; and then ours are tables no more.
	LEAQ PV_OPS(BX), DI
	MOVL $2, SI
	XORL DX, DX
	MOVL $DOMID_SELF, R10
	MOVL $OP_MMUEXT, AX
	SYSCALL
	TESTQ AX, AX
	JNZ  die

	// The base of FS, and the stack for entries from user mode, as at birth.
	XORL DI, DI
	XORL SI, SI
	MOVL $OP_SET_SEGMENT_BASE, AX
	SYSCALL
	TESTQ AX, AX
	JNZ  die
	MOVL $FLAT_SS64, DI
	MOVQ (PV_IRET+56)(BX), SI
	MOVL $OP_STACK_SWITCH, AX
	SYSCALL
	TESTQ AX, AX
	JNZ  die

	// The registers. AX, CX, R11, SP, the flags and the PC come with the
	// hypercall iret.
	LEAQ (PV_REGS+40)(BX), SP
	POPQ BP
	LEAQ PV_IRET(BX), SP
	MOVQ (PV_REGS+16)(BX), DX
	MOVQ (PV_REGS+48)(BX), SI
	MOVQ (PV_REGS+56)(BX), DI
	MOVQ (PV_REGS+64)(BX), R8
	MOVQ (PV_REGS+72)(BX), R9
	MOVQ (PV_REGS+80)(BX), R10
	MOVQ (PV_REGS+96)(BX), R12
	MOVQ (PV_REGS+104)(BX), R13
	MOVQ (PV_REGS+112)(BX), R14
	MOVQ (PV_REGS+120)(BX), R15
	MOVQ (PV_REGS+24)(BX), BX
	MOVL $OP_IRET, AX
	SYSCALL
	BYTE $0x0f; BYTE $0x0b

die:
	DIE

// lastEndPV marks the end of departPV2: the linker keeps the order of a file.
TEXT ·lastEndPV(SB), NOSPLIT|NOFRAME, $0
	RET

// func lastCodePV() (first, second, end unsafe.Pointer)
TEXT ·lastCodePV(SB), NOSPLIT, $0-24
	MOVQ $·departPV(SB), AX
	MOVQ AX, first+0(FP)
	MOVQ $·departPV2(SB), AX
	MOVQ AX, second+8(FP)
	MOVQ $·lastEndPV(SB), AX
	MOVQ AX, end+16(FP)
	RET
