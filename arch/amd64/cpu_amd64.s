#include "textflag.h"

// func cpuid(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)
TEXT ·cpuid(SB), NOSPLIT, $0-24
	MOVL leaf+0(FP), AX
	MOVL subleaf+4(FP), CX
	CPUID
	MOVL AX, eax+8(FP)
	MOVL BX, ebx+12(FP)
	MOVL CX, ecx+16(FP)
	MOVL DX, edx+20(FP)
	RET

// func TSC() uint64
TEXT ·TSC(SB), NOSPLIT, $0-8
	LFENCE
	RDTSC
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, ret+0(FP)
	RET

// func ReadMSR(msr uint32) uint64
TEXT ·ReadMSR(SB), NOSPLIT, $0-16
	MOVL msr+0(FP), CX
	RDMSR
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, ret+8(FP)
	RET

// func WriteMSR(msr uint32, value uint64)
TEXT ·WriteMSR(SB), NOSPLIT, $0-16
	MOVL msr+0(FP), CX
	MOVQ value+8(FP), AX
	MOVQ AX, DX
	SHRQ $32, DX
	WRMSR
	RET

// func In8(port uint16) uint8
TEXT ·In8(SB), NOSPLIT, $0-9
	MOVW port+0(FP), DX
	INB
	MOVB AX, ret+8(FP)
	RET

// func Out8(port uint16, value uint8)
TEXT ·Out8(SB), NOSPLIT, $0-3
	MOVW port+0(FP), DX
	MOVB value+2(FP), AX
	OUTB
	RET

// func Out16(port uint16, value uint16)
TEXT ·Out16(SB), NOSPLIT, $0-4
	MOVW port+0(FP), DX
	MOVW value+2(FP), AX
	OUTW
	RET

// func Out32(port uint16, value uint32)
TEXT ·Out32(SB), NOSPLIT, $0-8
	MOVW port+0(FP), DX
	MOVL value+4(FP), AX
	OUTL
	RET

// func Pause()
TEXT ·Pause(SB), NOSPLIT, $0-0
	PAUSE
	RET

// func Halt()
TEXT ·Halt(SB), NOSPLIT, $0-0
	CLI
	HLT
	JMP -2(PC)

// func RDRAND() (v uint64, ok bool)
TEXT ·RDRAND(SB), NOSPLIT, $0-9
	RDRANDQ AX
	MOVQ    AX, v+0(FP)
	SETCS   ok+8(FP)
	RET

// func RDSEED() (v uint64, ok bool)
TEXT ·RDSEED(SB), NOSPLIT, $0-9
	RDSEEDQ AX
	MOVQ    AX, v+0(FP)
	SETCS   ok+8(FP)
	RET

// func Zero(addr, n uintptr)
TEXT ·Zero(SB), NOSPLIT, $0-16
	MOVQ addr+0(FP), DI
	MOVQ n+8(FP), CX
	MOVQ CX, DX
	XORL AX, AX
	CLD
	SHRQ $3, CX
	REP
	STOSQ
	MOVQ DX, CX
	ANDQ $7, CX
	REP
	STOSB
	RET

// func readCR2() uint64
TEXT ·readCR2(SB), NOSPLIT, $0-8
	MOVQ CR2, AX
	MOVQ AX, ret+0(FP)
	RET

// func readCR3() uint64
TEXT ·readCR3(SB), NOSPLIT, $0-8
	MOVQ CR3, AX
	MOVQ AX, ret+0(FP)
	RET

// func readCR4() uint64
TEXT ·readCR4(SB), NOSPLIT, $0-8
	MOVQ CR4, AX
	MOVQ AX, ret+0(FP)
	RET

// func writeCR4(uint64)
TEXT ·writeCR4(SB), NOSPLIT, $0-8
	MOVQ arg+0(FP), AX
	MOVQ AX, CR4
	RET

// func xsetbv(reg uint32, value uint64)
TEXT ·xsetbv(SB), NOSPLIT, $0-16
	MOVL reg+0(FP), CX
	MOVQ value+8(FP), AX
	MOVQ AX, DX
	SHRQ $32, DX
	BYTE $0x0f; BYTE $0x01; BYTE $0xd1 // XSETBV
	RET

// func lgdt(p *[10]byte)
TEXT ·lgdt(SB), NOSPLIT, $0-8
	MOVQ p+0(FP), AX
	LGDT (AX)
	RET

// func lidt(p *[10]byte)
TEXT ·lidt(SB), NOSPLIT, $0-8
	MOVQ p+0(FP), AX
	LIDT (AX)
	RET

// func TripleFault()
TEXT ·TripleFault(SB), NOSPLIT, $16-0
	MOVQ $0, 0(SP)
	MOVQ $0, 8(SP)
	LIDT 0(SP)
	UD2

// func ltr(selector uint16)
TEXT ·ltr(SB), NOSPLIT, $0-2
	MOVW selector+0(FP), AX
	LTR  AX
	RET

// func invlpg(addr uintptr)
TEXT ·invlpg(SB), NOSPLIT, $0-8
	MOVQ addr+0(FP), AX
	INVLPG (AX)
	RET
