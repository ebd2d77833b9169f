#include "textflag.h"
#include "entry_amd64.h"

// The entry of a PV domain's kernel: 64-bit mode in ring 3 on the page tables
// of the toolstack, flat segments of Xen's, rsi = struct start_info, events
// masked (public/xen.h, "Start-of-day memory layout"). The toolstack's stack is
// one page: ours serves from the start.
TEXT ·entryPV(SB), NOSPLIT|NOFRAME, $0
	CLD
	MOVQ SI, ·pvStartInfo(SB)
	LEAQ ·bootStack+BOOT_STACK(SB), SP
	ANDQ $~15, SP
	MOVL $SEGBASE_FS, DI
	LEAQ ·bootTLS+8(SB), SI
	MOVL $HYPERVISOR_SET_SEGMENT_BASE, AX
	SYSCALL
	JMP  ·start(SB)

// pvEntry is how cmd/xengo finds the entry, also in a file without symbols.
DATA ·pvEntry+0(SB)/8, $"pvboot's"
DATA ·pvEntry+8(SB)/8, $" PV entr"
DATA ·pvEntry+16(SB)/8, $"y at:\n\r\x1a"
DATA ·pvEntry+24(SB)/8, $·entryPV(SB)
GLOBL ·pvEntry(SB), RODATA|NOPTR, $32

// func pvVectorTable() unsafe.Pointer
TEXT ·pvVectorTable(SB), NOSPLIT, $0-8
	LEAQ ·pvVectors(SB), AX
	MOVQ ·pvEntry(SB), CX         // the linker keeps what is named
	MOVQ AX, ret+0(FP)
	RET

// func pvCPUID(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)
//
// Xen answers for CPUID behind this prefix, and not the processor
// (public/arch-x86/xen.h, XEN_EMULATE_PREFIX).
TEXT ·pvCPUID(SB), NOSPLIT, $0-24
	MOVL leaf+0(FP), AX
	MOVL subleaf+4(FP), CX
	BYTE $0x0f; BYTE $0x0b; BYTE $0x78; BYTE $0x65; BYTE $0x6e // ud2; "xen"
	CPUID
	MOVL AX, eax+8(FP)
	MOVL BX, ebx+12(FP)
	MOVL CX, ecx+16(FP)
	MOVL DX, edx+20(FP)
	RET

// func bootFrames() (start, end uintptr)
TEXT ·bootFrames(SB), NOSPLIT, $0-16
	LEAQ ·bootTables+0xfff(SB), AX
	ANDQ $~0xfff, AX
	MOVQ AX, start+0(FP)
	ADDQ $0x7000, AX
	MOVQ AX, end+8(FP)
	RET
