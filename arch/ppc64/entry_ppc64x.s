//go:build ppc64 || ppc64le

#include "textflag.h"
#include "entry_ppc64x.h"

// The entry. What was loaded begins with a page of internal/linuximage's, whose
// first instructions come here in the program's byte order and in 64-bit mode.
// It runs in real mode (6.4 "Interrupt Definitions" and Linux
// arch/powerpc/kernel/head_64.S for the registers), with one processor.

GLOBL ·bootStack(SB), NOPTR, $BOOT_STACK
GLOBL ·handlerStacks(SB), NOPTR, $HANDLER_STACKS
GLOBL ·handlerG(SB), NOPTR, $1024

// CPUInit keeps R19 = device tree or initrd, R20 = its size, R21 = Open
// Firmware's client interface, R22 = the time base at the start.
TEXT runtime∕goos·CPUInit(SB), NOSPLIT|NOFRAME, $0
	BCL_NEXT
	MOVD LR, R16
	MOVD $0, R0
	MOVD R3, R19
	MOVD R4, R20
	MOVD R5, R21
	MOVD TB, R22

	MFMSR(15)
	MOVD $MSR_NEVER, R17
	ANDN R17, R15, R15
	OR   $MSR_FP_ME_RI, R15
	ORIS $MSR_VEC_VSX, R15, R15
	MTMSRD(15)
	ISYNC

	MOVD $runtime∕goos·CPUInit+4(SB), R17
	CMP  R16, R17
	BNE  elsewhere

	MOVD $·bootStack+(BOOT_STACK-64)(SB), R1
	RLDICR $0, R1, $59, R1
	CMP  R21, $0
	BNE  clear
	BL   ·keepDeviceTree(SB)
clear:
	MOVD $runtime·bss(SB), R3
	MOVD $runtime·end(SB), R4
	BL   ·clear(SB)

	CMP  R21, $0
	BNE  firmware
	MOVD R19, ·entered+0(SB)
	BR   entered
firmware:
	MOVD R21, ·entered+8(SB)
	MOVD R19, ·entered+16(SB)
	MOVD R20, ·entered+24(SB)
entered:
	MOVD R22, ·entered+32(SB)

	// Until the runtime has its own, g is one that owns the boot stack.
	MOVD $0, R2
	MOVD $0, R13
	MOVD $·handlerG(SB), g
	MOVD $·bootStack(SB), R3
	BL   ·setG(SB)
	SUB  $(FIXED_FRAME+16), R1
	MOVD R0, 0(R1)
	MOVD $·boot(SB), R12
	MOVD R12, CTR
	MOVD R0, LR
	BL   (CTR)                // Go: argc, argv
	MOVD FIXED_FRAME(R1), R14
	MOVD (FIXED_FRAME+8)(R1), R15
	ADD  $(FIXED_FRAME+16), R1

	// From now on handlerG stands for the handlers' stacks.
	MOVD $·handlerG(SB), g
	MOVD $·handlerStacks(SB), R3
	BL   ·setG(SB)
	MOVD R14, R3
	MOVD R15, R4
	MOVD $runtime·rt0_go(SB), R12
	MOVD R12, CTR
	BR   (CTR)

elsewhere:
	BR   ·relocate(SB)

// setG makes g one whose stack starts at R3: the first words of runtime.g are
// stack.lo, stack.hi, stackguard0 and stackguard1. Clobbers R4.
TEXT ·setG(SB), NOSPLIT|NOFRAME, $0
	MOVD R3, 0(g)
	MOVD $-1, R4
	MOVD R4, 8(g)
	ADD  $1024, R3, R4
	MOVD R4, 16(g)
	MOVD R4, 24(g)
	RET

// clear zeros [R3, R4) and up to 7 bytes more; R3 is a multiple of 8. Clobbers
// R3.
TEXT ·clear(SB), NOSPLIT|NOFRAME, $0
	CMPU R3, R4
	BGE  done
loop:
	MOVD R0, 0(R3)
	ADD  $8, R3
	CMPU R3, R4
	BLT  loop
done:
	RET

// keepDeviceTree moves the device tree at R19 behind bss when it lies within, and
// changes R19. What is no device tree is left where it is, for Go code to say so.
// Clobbers R3-R8.
TEXT ·keepDeviceTree(SB), NOSPLIT|NOFRAME, $0
	CMP    R19, $0
	BEQ    done
	ANDCC  $7, R19, R3
	BNE    done
	LOADBE (R19), R3
	MOVD   $FDT_MAGIC, R4
	CMPU   R3, R4
	BNE    done
	ADD    $4, R19, R5
	LOADBE (R5), R5           // its size
	MOVD   $FDT_MAX, R4
	CMPU   R5, R4
	BGT    done
	ADD    $7, R5
	RLDICR $0, R5, $60, R5
	ADD    R19, R5, R6        // its end
	MOVD   $runtime·bss(SB), R3
	CMPU   R6, R3
	BLE    done
	MOVD   $runtime·end+15(SB), R4
	RLDICR $0, R4, $59, R4
	CMPU   R19, R4
	BGE    done
	ADD    R4, R5, R7         // the new end; the new place is above the old
copy:
	SUB    $8, R6
	SUB    $8, R7
	MOVD   (R6), R8
	MOVD   R8, (R7)
	CMPU   R7, R4
	BGT    copy
	MOVD   R4, R19
done:
	RET

// stop ends what nobody can be told of.
TEXT ·stop(SB), NOSPLIT|NOFRAME, $0
	BR 0(PC)

// func Image() (start, end uint64)
TEXT ·Image(SB), NOSPLIT|NOFRAME, $0-16
	MOVD $LOADADDR, R3
	MOVD R3, start+0(FP)
	MOVD $runtime·end(SB), R3
	MOVD R3, end+8(FP)
	RET
