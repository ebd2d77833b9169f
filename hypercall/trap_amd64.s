#include "textflag.h"

// Ways to reach the hypervisor, in ·way: 0 until CPUID was asked.
#define WAY_NONE    1
#define WAY_VMCALL  2
#define WAY_VMMCALL 3
#define WAY_SYSCALL 4

// way is asked for once and never changes, so two processors may race on it.
GLOBL ·way(SB), NOPTR, $4

// probe sets ·way. Clobbers AX, BX, CX, DX, SI, DI.
TEXT ·probe(SB), NOSPLIT|NOFRAME, $0-0
	// CPUID.1:ECX[31] is set for every guest (Xen docs/misc; AMD APM vol. 3,
	// CPUID Fn0000_0001_ECX). Without it the leaves below mean nothing.
	MOVL $1, AX
	XORL CX, CX
	CPUID
	MOVL $WAY_NONE, DI
	BTL  $31, CX
	JCC  done
	// public/arch-x86/cpuid.h: the signature stands in the first leaf of one
	// of 256 blocks.
	MOVL $0x40000000, SI
next:
	MOVL SI, AX
	XORL CX, CX
	CPUID
	CMPL BX, $0x566e6558 // "XenV"
	JNE  skip
	CMPL CX, $0x65584d4d // "MMXe"
	JNE  skip
	CMPL DX, $0x4d4d566e // "nVMM"
	JEQ  found
skip:
	ADDL $0x100, SI
	CMPL SI, $0x40010000
	JNE  next
	JMP  done
found:
	XORL AX, AX
	XORL CX, CX
	CPUID
	MOVL $WAY_VMMCALL, DI
	CMPL BX, $0x68747541 // "Auth"enticAMD
	JEQ  done
	CMPL BX, $0x6f677948 // "Hygo"nGenuine
	JEQ  done
	MOVL $WAY_VMCALL, DI
done:
	MOVL DI, ·way(SB)
	RET

// func Trap(op Op, a1, a2, a3, a4, a5 uintptr) int64
TEXT ·Trap(SB), NOSPLIT, $0-56
	CMPL ·way(SB), $0
	JNE  known
	CALL ·probe(SB)
known:
	MOVL op+0(FP), AX
	MOVQ a1+8(FP), DI
	MOVQ a2+16(FP), SI
	MOVQ a3+24(FP), DX
	MOVQ a4+32(FP), R10
	MOVQ a5+40(FP), R8
	MOVL ·way(SB), CX
	CMPL CX, $WAY_VMMCALL
	JEQ  amd
	CMPL CX, $WAY_SYSCALL
	JEQ  pv
	CMPL CX, $WAY_VMCALL
	JEQ  intel
	MOVQ $-38, AX // -ENOSYS
	MOVQ AX, ret+48(FP)
	RET
amd:
	BYTE $0x0f; BYTE $0x01; BYTE $0xd9 // VMMCALL
	MOVQ AX, ret+48(FP)
	RET
pv:
	SYSCALL
	MOVQ AX, ret+48(FP)
	RET
intel:
	BYTE $0x0f; BYTE $0x01; BYTE $0xc1 // VMCALL
	MOVQ AX, ret+48(FP)
	RET

// func Present() bool
TEXT ·Present(SB), NOSPLIT, $0-1
	CMPL ·way(SB), $0
	JNE  known
	CALL ·probe(SB)
known:
	CMPL ·way(SB), $WAY_VMCALL
	SETCC ret+0(FP) // WAY_VMCALL or above
	RET

// func SetPV()
TEXT ·SetPV(SB), NOSPLIT, $0-0
	MOVL $WAY_SYSCALL, ·way(SB)
	RET
