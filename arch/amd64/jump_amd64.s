#include "textflag.h"

// func leave(code, moves, frame, root, gdtr, stack, flat uintptr)
//
// Puts its arguments where trampoline wants them and jumps to the copy of
// trampoline at code. Never returns.
TEXT ·leave(SB), NOSPLIT|NOFRAME, $0-56
	CLI
	MOVQ code+0(FP), AX
	MOVQ moves+8(FP), R8
	MOVQ frame+16(FP), R9
	MOVQ root+24(FP), R10
	MOVQ gdtr+32(FP), R12
	MOVQ stack+40(FP), R13
	MOVQ flat+48(FP), R11
	JMP  AX

// trampoline is the last code of the loader. It runs from a copy that no
// segment of the target overlaps, so it names nothing by address:
//
//	R8   moves: {dst, src, size} of 8 bytes each, size 0 ends
//	R9   registers in the order of their encoding, rax to r15, then the PC
//	R10  CR3
//	R11  0 for long mode, else the copy of flat32, below 4 GiB
//	R12  GDTR, IDTR at +16
//	R13  top of a stack
//
// It must fit between atTrampoline and atFlat32.
TEXT ·trampoline(SB), NOSPLIT|NOFRAME, $0
	MOVQ R10, CR3
	MOVQ R13, SP
	LGDT (R12)
	LIDT 16(R12)
	MOVL $0x18, AX
	MOVW AX, DS
	MOVW AX, ES
	MOVW AX, SS
	MOVW AX, FS
	MOVW AX, GS
	CLD

next:
	MOVQ  16(R8), DX
	TESTQ DX, DX
	JZ    done
	MOVQ  0(R8), DI
	MOVQ  8(R8), SI
	ADDQ  $24, R8
	MOVQ  DX, CX
	SHRQ  $3, CX
	ANDQ  $7, DX
	TESTQ SI, SI
	JZ    zero
	REP; MOVSQ
	MOVQ  DX, CX
	REP; MOVSB
	JMP   next

zero:
	XORL AX, AX
	REP; STOSQ
	MOVQ DX, CX
	REP; STOSB
	JMP  next

done:
	TESTQ R11, R11
	JNZ   flat

	// CR4 as a boot loader has it: PAE and nothing else. EFER keeps only
	// LME (LMA is set by hardware); Intel SDM 3A, 5.1.2 and table 2-2 of
	// volume 4.
	MOVL $0x20, AX
	MOVQ AX, CR4
	MOVL $0xc0000080, CX
	XORL DX, DX
	MOVL $0x100, AX
	WRMSR
	PUSHQ $0x10
	MOVQ 128(R9), AX
	PUSHQ AX
	MOVQ 0(R9), AX
	MOVQ 8(R9), CX
	MOVQ 16(R9), DX
	MOVQ 24(R9), BX
	MOVQ 40(R9), BP
	MOVQ 48(R9), SI
	MOVQ 56(R9), DI
	MOVQ 64(R9), R8
	MOVQ 80(R9), R10
	MOVQ 88(R9), R11
	MOVQ 96(R9), R12
	MOVQ 104(R9), R13
	MOVQ 112(R9), R14
	MOVQ 120(R9), R15
	MOVQ 72(R9), R9
	BYTE $0x48; BYTE $0xcb    // retfq

flat:
	// To compatibility mode first, by a far return into a 32-bit segment.
	MOVQ  R9, BP
	PUSHQ $0x10
	PUSHQ R11
	BYTE  $0x48; BYTE $0xcb   // retfq

// flat32 leaves long mode (Intel SDM 3A, 11.8.5.4 "Switching Out of IA-32e
// Mode Operation") and loads the registers at EBP. The assembler has no
// 32-bit mode, hence the bytes.
TEXT ·flat32(SB), NOSPLIT|NOFRAME, $0
	BYTE $0x0f; BYTE $0x20; BYTE $0xc0                  // mov eax, cr0
	BYTE $0x25; LONG $0x7fffffff                        // and eax, ~PG
	BYTE $0x0f; BYTE $0x22; BYTE $0xc0                  // mov cr0, eax
	BYTE $0xb9; LONG $0xc0000080                        // mov ecx, EFER
	BYTE $0x0f; BYTE $0x32                              // rdmsr
	BYTE $0x31; BYTE $0xc0                              // xor eax, eax
	BYTE $0x31; BYTE $0xd2                              // xor edx, edx
	BYTE $0x0f; BYTE $0x30                              // wrmsr
	BYTE $0x0f; BYTE $0x22; BYTE $0xe0                  // mov cr4, eax
	BYTE $0xb8; LONG $0x11                              // mov eax, PE|ET
	BYTE $0x0f; BYTE $0x22; BYTE $0xc0                  // mov cr0, eax
	BYTE $0xb8; LONG $0x20                              // mov eax, 0x20
	BYTE $0x0f; BYTE $0x00; BYTE $0xd8                  // ltr ax
	BYTE $0xff; BYTE $0xb5; LONG $128                   // push [ebp+128], the PC
	BYTE $0x8b; BYTE $0x45; BYTE $0                     // mov eax, [ebp]
	BYTE $0x8b; BYTE $0x4d; BYTE $8                     // mov ecx, [ebp+8]
	BYTE $0x8b; BYTE $0x55; BYTE $16                    // mov edx, [ebp+16]
	BYTE $0x8b; BYTE $0x5d; BYTE $24                    // mov ebx, [ebp+24]
	BYTE $0x8b; BYTE $0x75; BYTE $48                    // mov esi, [ebp+48]
	BYTE $0x8b; BYTE $0x7d; BYTE $56                    // mov edi, [ebp+56]
	BYTE $0x8b; BYTE $0x6d; BYTE $40                    // mov ebp, [ebp+40]
	BYTE $0xc3                                          // ret

// lastEnd marks the end of flat32: the linker keeps the order of a file.
TEXT ·lastEnd(SB), NOSPLIT|NOFRAME, $0
	RET

// func lastCode() (trampoline, flat32, end unsafe.Pointer)
TEXT ·lastCode(SB), NOSPLIT, $0-24
	MOVQ $·trampoline(SB), AX
	MOVQ AX, trampoline+0(FP)
	MOVQ $·flat32(SB), AX
	MOVQ AX, flat32+8(FP)
	MOVQ $·lastEnd(SB), AX
	MOVQ AX, end+16(FP)
	RET
