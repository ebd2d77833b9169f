#include "textflag.h"
#include "entry_riscv64.h"

// The entry, as Linux Documentation/arch/riscv/boot.rst has it: S-mode, satp 0,
// a0 = hart ID, a1 = device tree. Nothing is known of the other CSRs: under
// OpenSBI stvec is the entry itself, and floating point may be off.

// early is 1 as long as an exception can only stop the processor. It lies in
// the file, not in bss.
DATA ·early(SB)/8, $1
GLOBL ·early(SB), NOPTR, $8

// linked is where the entry was linked.
DATA ·linked(SB)/8, $runtime∕goos·CPUInit(SB)
GLOBL ·linked(SB), RODATA|NOPTR, $8

// The tables, and a page to align them in. They lie in the file: bss may hold
// the device tree until keepDeviceTree has looked.
DATA ·bootTables(SB)/8, $0
GLOBL ·bootTables(SB), NOPTR, $(TABLES_SIZE+0x1000)

GLOBL ·bootStack(SB), NOPTR, $BOOT_STACK
GLOBL ·handlerStacks(SB), NOPTR, $HANDLER_STACKS
GLOBL ·handlerG(SB), NOPTR, $1024

// CPUInit keeps S0 = hart ID, S1 = device tree, S2 = tables, S3 = next free
// table, S4 = the counter at the start.
TEXT runtime∕goos·CPUInit(SB), NOSPLIT|NOFRAME, $0
	CSRRCI $SSTATUS_SIE, SSTATUS, X0
	CSRRW  X0, SIE, X0
	MOV    $·vectors(SB), T0  // relative to the PC
	CSRRW  T0, STVEC, X0
	CSRRW  X0, SSCRATCH, X0
	MOV    A0, S0
	MOV    A1, S1
	RDTIME S4

	MOV  $runtime∕goos·CPUInit(SB), T0
	MOV  ·linked(SB), T1
	BNE  T0, T1, elsewhere

	MOV   $SSTATUS_FS, T0
	CSRRS T0, SSTATUS, X0
	CSRRW X0, FCSR, X0        // Go rounds to the nearest

	MOV  $·bootTables+0xfff(SB), S2
	SRLI $12, S2
	SLLI $12, S2
	MOV  S2, T0
	MOV  $TABLES_SIZE, T1
	ADD  S2, T1
	CALL ·clear(SB)
	MOV  $0x1000, S3
	ADD  S2, S3

	MOV  $LOADADDR, T0
	MOV  $runtime·end(SB), T1
	CALL ·mapBlocks(SB)
	BEQZ S1, mapped
	MOV  S1, T0               // how long it is cannot be known yet
	ADD  $8, S1, T1
	CALL ·mapBlocks(SB)
mapped:
	CALL ·enableMMU(SB)
	CALL ·keepDeviceTree(SB)

	MOV  $runtime·bss(SB), T0
	MOV  $runtime·end+15(SB), T1
	ANDI $~15, T1
	CALL ·clear(SB)
	MOV  S0, ·hart(SB)
	MOV  S1, ·deviceTree(SB)
	MOV  S4, ·began(SB)
	MOV  S3, ·spare+0(SB)
	MOV  $TABLES_SIZE, T0
	ADD  S2, T0
	SUB  S3, T0
	MOV  T0, ·spare+8(SB)

	// From now on exceptions have a stack.
	MOV   $·handlerStacks+(HANDLER_STACKS-FRAME_SIZE)(SB), T0
	ANDI  $~15, T0
	CSRRW T0, SSCRATCH, X0
	MOV   ZERO, ·early(SB)

	// Until the runtime has its own, g is one that owns the boot stack.
	MOV  $·bootStack+BOOT_STACK(SB), X2
	ANDI $~15, X2
	MOV  $·handlerG(SB), g
	MOV  $·bootStack(SB), T0
	CALL ·setG(SB)
	MOV  ZERO, X1
	ADD  $-32, X2
	MOV  $·boot(SB), T0
	JALR RA, T0               // Go: argc, argv
	MOV  8(X2), A0
	MOV  16(X2), A1
	ADD  $32, X2

	// From now on handlerG stands for the handlers' stacks.
	MOV  $·handlerG(SB), g
	MOV  $·handlerStacks(SB), T0
	CALL ·setG(SB)
	MOV  $runtime·rt0_go(SB), T0
	JALR ZERO, T0

elsewhere:
	JMP  ·relocate(SB)

// setG makes g one whose stack starts at T0: the first words of runtime.g are
// stack.lo, stack.hi, stackguard0 and stackguard1. Clobbers T0, T1.
TEXT ·setG(SB), NOSPLIT|NOFRAME, $0
	MOV T0, 0(g)
	MOV $-1, T1
	MOV T1, 8(g)
	ADD $1024, T0
	MOV T0, 16(g)
	MOV T0, 24(g)
	RET

// clear zeros [T0, T1), 8-byte aligned. Clobbers T0.
TEXT ·clear(SB), NOSPLIT|NOFRAME, $0
	BGEU T0, T1, done
loop:
	MOV  ZERO, (T0)
	ADD  $8, T0
	BLTU T0, T1, loop
done:
	RET

// keepDeviceTree maps the tree at S1, of which the first 8 bytes are mapped:
// only the blocks that it lies in, as the next one may be a device's. It moves
// it behind bss when it lies within, and changes S1. Clobbers T0-T5, A2-A6.
TEXT ·keepDeviceTree(SB), NOSPLIT|NOFRAME, $0
	MOV   X1, A6
	BEQZ  S1, done
	ANDI  $7, S1, T0
	BNEZ  T0, done
	MOVWU (S1), T0
	MOV   $FDT_MAGIC, T1
	BNE   T0, T1, done
	// The next word is the size, big-endian.
	MOVBU 4(S1), A2
	MOVBU 5(S1), T0
	SLLI  $8, A2
	OR    T0, A2
	MOVBU 6(S1), T0
	SLLI  $8, A2
	OR    T0, A2
	MOVBU 7(S1), T0
	SLLI  $8, A2
	OR    T0, A2
	MOV   $FDT_MAX, T0
	BLTU  T0, A2, done
	ADD   $7, A2
	ANDI  $~7, A2
	MOV   S1, T0
	ADD   S1, A2, T1
	CALL  ·mapBlocks(SB)
	SFENCE_VMA
	ADD   S1, A2, A3          // its end
	MOV   $runtime·bss(SB), T0
	BGEU  T0, A3, done
	MOV   $runtime·end+15(SB), A4
	ANDI  $~15, A4
	BGEU  S1, A4, done

	MOV   A4, T0
	ADD   A4, A2, T1
	CALL  ·mapBlocks(SB)
	SFENCE_VMA
	ADD   A4, A2, A5          // the new end; the new place is above the old
copy:
	ADD   $-8, A3
	ADD   $-8, A5
	MOV   (A3), T0
	MOV   T0, (A5)
	BLTU  A4, A5, copy
	MOV   A4, S1
done:
	MOV   A6, X1
	RET

// stop ends what nobody can be told of. Xen's xenctx shows the registers.
TEXT ·stop(SB), NOSPLIT|NOFRAME, $0
	WFI_
	JMP -1(PC)

// func Image() (start, end uint64)
TEXT ·Image(SB), NOSPLIT, $0-16
	MOV $LOADADDR, T0
	MOV T0, start+0(FP)
	MOV $runtime·end(SB), T0
	MOV T0, end+8(FP)
	RET
