#include "textflag.h"
#include "entry_amd64.h"

// The entry. Xen enters in 32-bit protected mode with flat segments, paging
// off and ebx = hvm_start_info (docs/misc/pvh.pandoc). A Multiboot 2 boot loader
// enters with ebx = its information and a magic number in eax. Until the far
// return below, only instructions are used that mean the same in 32-bit and in
// 64-bit code: no REX prefix, no rip-relative operand but the one LEAL that is
// put right by hand.

// Addresses that 32-bit code needs, as offsets into ·boot32.
#define B_TABLES 0
#define B_STARTINFO 8
#define B_GDTR 16
#define B_LONG 24

DATA ·boot32+B_TABLES(SB)/8, $·bootTables(SB)
DATA ·boot32+B_STARTINFO(SB)/8, $·startInfo(SB)
DATA ·boot32+B_GDTR(SB)/8, $·bootGDTR(SB)
DATA ·boot32+B_LONG(SB)/8, $·long(SB)
GLOBL ·boot32(SB), RODATA|NOPTR, $32

// The first descriptor table; gdt.go makes the one with a TSS.
DATA ·bootGDT+0x10(SB)/8, $0x00af9a000000ffff // SEL_CODE
DATA ·bootGDT+0x18(SB)/8, $0x00cf92000000ffff // SEL_DATA
GLOBL ·bootGDT(SB), RODATA|NOPTR, $0x20
DATA ·bootGDTR+0(SB)/2, $0x1f
DATA ·bootGDTR+2(SB)/8, $·bootGDT(SB)
GLOBL ·bootGDTR(SB), RODATA|NOPTR, $10

// Page tables: PML4, PDPT, four PDs, one PT, and a page to align them in.
GLOBL ·bootTables(SB), NOPTR, $0x8000

GLOBL ·bootStack(SB), NOPTR, $BOOT_STACK
GLOBL ·bootTLS(SB), NOPTR, $16

// func pc() uint32, without a frame: AX = the return address.
TEXT ·pc(SB), NOSPLIT|NOFRAME, $0
	MOVL 0(SP), AX
	RET

TEXT runtime∕goos·CPUInit(SB), NOSPLIT|NOFRAME, $0
	CLI
	CLD
	MOVL AX, DX
	// The space between ELF headers and text serves as the first stack.
	MOVL $(LOADADDR+0x1000), SP
	CALL ·pc(SB)
	LEAL ·boot32(SB), DI      // 6 bytes; as 32-bit code: DI = ·boot32 - rip
	LEAL 6(AX)(DI*1), SI

	MOVL B_STARTINFO(SI), DI
	MOVL BX, (DI)
	MOVL DX, 4(DI)

	// Identity map 4 GiB with 2 MiB pages, and the first 2 MiB with 4 KiB
	// pages, so that page 0 can be taken away later.
	MOVL B_TABLES(SI), BX
	ADDL $0xfff, BX
	ANDL $~0xfff, BX          // BX = PML4

	LEAL (0x1000+PTE_P_RW)(BX), AX
	MOVL AX, (BX)             // PML4[0] = PDPT

	LEAL 0x1000(BX), DI       // PDPT[0..3] = PD 0..3
	LEAL (0x2000+PTE_P_RW)(BX), AX
	MOVL $4, CX
pdpt:
	MOVL AX, (DI)
	ADDL $8, DI
	ADDL $0x1000, AX
	SUBL $1, CX
	JNE  pdpt

	LEAL 0x2000(BX), DI       // 2048 PD entries
	MOVL $PTE_P_RW_PS, AX
	MOVL $2048, CX
pd:
	MOVL AX, (DI)
	ADDL $8, DI
	ADDL $0x200000, AX
	SUBL $1, CX
	JNE  pd

	LEAL 0x6000(BX), DI       // 512 PT entries
	MOVL $PTE_P_RW, AX
	MOVL $512, CX
pt:
	MOVL AX, (DI)
	ADDL $8, DI
	ADDL $0x1000, AX
	SUBL $1, CX
	JNE  pt

	LEAL (0x6000+PTE_P_RW)(BX), AX
	MOVL AX, 0x2000(BX)       // PD[0] = PT

	// Long mode (SDM 10.8.5, APM 14.6).
	MOVL CR4, AX
	ORL  $(CR4_PAE|CR4_OSFXSR|CR4_OSXMMEXCPT), AX
	MOVL AX, CR4
	MOVL BX, CR3
	MOVL $MSR_EFER, CX
	RDMSR
	ORL  $EFER_LME, AX
	WRMSR
	MOVL CR0, AX
	ANDL $~(CR0_EM|CR0_TS), AX
	ORL  $(CR0_PG|CR0_NE|CR0_MP|CR0_PE), AX
	MOVL AX, CR0

	MOVL B_GDTR(SI), AX
	LGDT (AX)
	MOVL B_LONG(SI), AX
	PUSHQ $SEL_CODE             // as 32-bit code: 4 bytes each
	PUSHQ AX
	RETFL

// long is 64-bit code from here on.
TEXT ·long(SB), NOSPLIT|NOFRAME, $0
	MOVW $SEL_DATA, AX
	MOVW AX, DS
	MOVW AX, ES
	MOVW AX, SS
	XORL AX, AX
	MOVW AX, FS
	MOVW AX, GS

	LEAQ ·bootStack+BOOT_STACK(SB), SP
	ANDQ $~15, SP

	// Go code finds its g at -8(FS). Until the runtime has its own, it is
	// one that owns the boot stack.
	LEAQ ·bootTLS+8(SB), AX
	MOVQ AX, DX
	SHRQ $32, DX
	MOVL $MSR_FS_BASE, CX
	WRMSR
	JMP  ·start(SB)

// start goes on from every entry: on bootStack, with FS at bootTLS.
TEXT ·start(SB), NOSPLIT|NOFRAME, $0
	LEAQ ·handlerG(SB), BX
	MOVQ BX, ·bootTLS(SB)
	LEAQ ·bootStack(SB), AX
	CALL ·setG(SB)

	PUSHQ $0
	POPQ BP                   // the chain of frames ends here
	SUBQ $32, SP
	CALL ·boot(SB)            // Go: argc, argv
	MOVQ 0(SP), DI
	MOVQ 8(SP), SI
	ADDQ $32, SP

	// From now on handlerG stands for the handlers' stacks.
	PUSHQ DI
	LEAQ ·syscallStack(SB), AX
	LEAQ ·handlerG(SB), BX
	CALL ·setG(SB)
	POPQ DI
	MOVQ $runtime·rt0_go(SB), AX
	JMP  AX

// setG makes the g at BX one whose stack starts at AX: the first words of
// runtime.g are stack.lo, stack.hi, stackguard0 and stackguard1. A stack's
// top is set beyond all of this package's stacks: only the guard is looked at.
TEXT ·setG(SB), NOSPLIT|NOFRAME, $0
	MOVQ AX, 0(BX)
	MOVQ $-1, DI
	MOVQ DI, 8(BX)
	ADDQ $1024, AX
	MOVQ AX, 16(BX)
	MOVQ AX, 24(BX)
	RET

// func Image() (start, end uint64)
TEXT ·Image(SB), NOSPLIT, $0-16
	MOVQ $LOADADDR, AX
	MOVQ AX, start+0(FP)
	MOVQ $runtime·end(SB), AX
	MOVQ AX, end+8(FP)
	RET
