#include "textflag.h"
#include "entry_riscv64.h"

// TCG has neither caches nor a weak memory order, and forgets translated code by
// itself: what is missing here shows on hardware only.

// func leave(code, moves, frame, off uintptr)
//
// Puts its arguments where trampoline wants them, turns translation off, by the
// code at off, and jumps to the copy of trampoline at code. All are physical
// addresses. Never returns.
TEXT ·leave(SB), NOSPLIT|NOFRAME, $0-32
	CSRRCI $SSTATUS_SIE, SSTATUS, X0
	CSRRW  X0, SIE, X0
	MOV    code+0(FP), A2
	MOV    moves+8(FP), A0
	MOV    frame+16(FP), A1
	MOV    off+24(FP), A3
	// The code was written as data: FENCE.I makes this hart fetch what it has
	// stored (volume I, "Zifencei").
	FENCE_I
	JALR   X0, A3

// off turns translation off and goes to A2. It is entered at its physical
// address, so that it is at the same address either way: a change between Bare and
// another mode takes effect at once, without SFENCE.VMA (volume II, "Supervisor
// Address Translation and Protection (satp) Register"). That one drops what the
// next kernel must not find when it turns translation on.
TEXT ·off(SB), NOSPLIT|NOFRAME, $0
	CSRRW  X0, SATP, X0
	SFENCE_VMA
	JALR   X0, A2

// trampoline is the last code of the loader. It runs from a copy that no
// segment of the target overlaps, so it names nothing by address, with
// translation off:
//
//	A0  moves: {dst, src, size} of 8 bytes each, size 0 ends
//	A1  registers x0 to x31, then sepc
//
// It must fit between atTrampoline and atFrame. An exception would lead into
// memory that is being overwritten, so nothing here may cause one: all accesses
// are aligned, as misaligned ones are firmware's to emulate at best (volume I,
// "Load and Store Instructions").
TEXT ·trampoline(SB), NOSPLIT|NOFRAME, $0
next:
	MOV  0(A0), T0            // to
	MOV  8(A0), T1            // from
	MOV  16(A0), T2           // bytes
	BEQZ T2, moved
	ADD  $24, A0
	BEQZ T1, zero

	OR   T0, T1, T3
	ANDI $7, T3
	BNEZ T3, bytes
	MOV  $64, T3
copy:
	BLTU T2, T3, bytes
	MOV  0(T1), A3
	MOV  8(T1), A4
	MOV  16(T1), A5
	MOV  24(T1), A6
	MOV  A3, 0(T0)
	MOV  A4, 8(T0)
	MOV  A5, 16(T0)
	MOV  A6, 24(T0)
	MOV  32(T1), A3
	MOV  40(T1), A4
	MOV  48(T1), A5
	MOV  56(T1), A6
	MOV  A3, 32(T0)
	MOV  A4, 40(T0)
	MOV  A5, 48(T0)
	MOV  A6, 56(T0)
	ADD  $64, T1
	ADD  $64, T0
	ADD  $-64, T2
	JMP  copy

bytes:
	BEQZ T2, next
	MOVBU (T1), A3
	MOVB A3, (T0)
	ADD  $1, T1
	ADD  $1, T0
	ADD  $-1, T2
	JMP  bytes

zero:
	ANDI $7, T0, T3
	BNEZ T3, zerobytes
	MOV  $64, T3
zeros:
	BLTU T2, T3, zerobytes
	MOV  ZERO, 0(T0)
	MOV  ZERO, 8(T0)
	MOV  ZERO, 16(T0)
	MOV  ZERO, 24(T0)
	MOV  ZERO, 32(T0)
	MOV  ZERO, 40(T0)
	MOV  ZERO, 48(T0)
	MOV  ZERO, 56(T0)
	ADD  $64, T0
	ADD  $-64, T2
	JMP  zeros

zerobytes:
	BEQZ T2, next
	MOVB ZERO, (T0)
	ADD  $1, T0
	ADD  $-1, T2
	JMP  zerobytes

moved:
	// What was stored is the target's instructions: FENCE.I orders this hart's
	// fetches behind its stores, and no other one's (volume I, "Zifencei"). The
	// others have run nothing but firmware, so they have fetched none of it.
	FENCE
	FENCE_I
	SFENCE_VMA                // nothing is left of the loader's tables

	// The CSRs are as OpenSBI leaves them to a kernel: stvec at its entry,
	// sscratch, satp and sie 0, floating point off.
	MOV   256(A1), T0
	CSRRW T0, STVEC, X0
	CSRRW X0, SSCRATCH, X0
	CSRRW X0, FCSR, X0
	MOV   $(SSTATUS_FS|SSTATUS_VS|SSTATUS_SPIE|SSTATUS_SIE), T1
	CSRRC T1, SSTATUS, X0

	// SRET leaves every register to the target. SPP says that it stays in
	// S-mode.
	CSRRW T0, SEPC, X0
	MOV   $SSTATUS_SPP, T1
	CSRRS T1, SSTATUS, X0
	MOV   8(A1), X1
	MOV   16(A1), X2
	MOV   24(A1), X3
	MOV   32(A1), TP
	MOV   40(A1), X5
	MOV   48(A1), X6
	MOV   56(A1), X7
	MOV   64(A1), X8
	MOV   72(A1), X9
	MOV   80(A1), X10
	MOV   96(A1), X12
	MOV   104(A1), X13
	MOV   112(A1), X14
	MOV   120(A1), X15
	MOV   128(A1), X16
	MOV   136(A1), X17
	MOV   144(A1), X18
	MOV   152(A1), X19
	MOV   160(A1), X20
	MOV   168(A1), X21
	MOV   176(A1), X22
	MOV   184(A1), X23
	MOV   192(A1), X24
	MOV   200(A1), X25
	MOV   208(A1), X26
	MOV   216(A1), g
	MOV   224(A1), X28
	MOV   232(A1), X29
	MOV   240(A1), X30
	MOV   248(A1), X31
	MOV   88(A1), X11
	SRET_

// lastEnd marks the end of trampoline: the linker keeps the order of a file.
TEXT ·lastEnd(SB), NOSPLIT|NOFRAME, $0
	RET

// func lastCode() (trampoline, end unsafe.Pointer)
TEXT ·lastCode(SB), NOSPLIT, $0-16
	MOV $·trampoline(SB), T0
	MOV T0, trampoline+0(FP)
	MOV $·lastEnd(SB), T0
	MOV T0, end+8(FP)
	RET

// func offCode() uintptr
TEXT ·offCode(SB), NOSPLIT, $0-8
	MOV $·off(SB), T0
	MOV T0, ret+0(FP)
	RET
