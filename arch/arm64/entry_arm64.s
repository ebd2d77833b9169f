#include "textflag.h"
#include "entry_arm64.h"

// The entry, as Linux Documentation/arch/arm64/booting.rst has it: EL1, MMU
// and data cache off, x0 = device tree, the image clean to the point of
// coherency. Data accesses are Device-nGnRnE until the MMU is on (D8.2.10,
// "The effects of disabling an address translation stage"), so they must be
// aligned, and what they write goes round the caches.

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

// CPUInit keeps R19 = device tree, R20 = tables, R21 = next free table, R22 =
// the counter at the start.
TEXT runtime∕goos·CPUInit(SB), NOSPLIT|NOFRAME, $0
	MSR  $15, DAIFSet
	MRS  CurrentEL, R1
	CMP  $CURRENT_EL1, R1
	BNE  stop
	MSR  $1, SPSel
	MOVD R0, R19
	MRS  CNTVCT_EL0, R22

	MOVD $runtime∕goos·CPUInit(SB), R1 // relative to the PC
	MOVD ·linked(SB), R2
	CMP  R1, R2
	BNE  elsewhere

	MOVD $·handlerStacks+HANDLER_STACKS(SB), R1
	AND  $~15, R1
	MOVD R1, RSP
	MOVD $·vectors(SB), R1
	MSR  R1, VBAR_EL1
	MOVD $CPACR_FPEN, R1
	MSR  R1, CPACR_EL1
	ISB  $15

	MOVD $·bootTables+0xfff(SB), R20
	AND  $~0xfff, R20
	// Nothing that a cache still holds for the tables may be written back
	// over them.
	MOVD R20, R1
	ADD  $TABLES_SIZE, R20, R2
	BL   ·invalidate(SB)
	MOVD R20, R1
	ADD  $TABLES_SIZE, R20, R2
	BL   ·clear(SB)

	ADD  $0x1000, R20, R1
	ORR  $DESC_TABLE, R1
	MOVD R1, (R20)            // level 0 → level 1
	ADD  $0x2000, R20, R21

	MOVD $LOADADDR, R1
	MOVD $runtime·end(SB), R2
	BL   ·mapBlocks(SB)
	CBZ  R19, mapped
	MOVD R19, R1              // how long it is cannot be known yet
	ADD  $8, R1, R2
	BL   ·mapBlocks(SB)
mapped:
	// The tables were written round the caches: lines that a cache fetched
	// meanwhile are stale, and walks are cacheable.
	MOVD R20, R1
	ADD  $TABLES_SIZE, R20, R2
	BL   ·invalidate(SB)
	BL   ·enableMMU(SB)
	BL   ·keepDeviceTree(SB)

	MOVD $runtime·bss(SB), R1
	MOVD $runtime·end+15(SB), R2
	AND  $~15, R2
	BL   ·clear(SB)
	MOVD R19, ·deviceTree(SB)
	MOVD R22, ·began(SB)
	MOVD R21, ·spare+0(SB)
	ADD  $TABLES_SIZE, R20, R1
	SUB  R21, R1
	MOVD R1, ·spare+8(SB)

	// Go runs on SP_EL0, and exceptions on SP_EL1.
	MSR  $0, SPSel
	MOVD $·bootStack+BOOT_STACK(SB), R1
	AND  $~15, R1
	MOVD R1, RSP
	MOVD ZR, ·early(SB)

	// Until the runtime has its own, g is one that owns the boot stack.
	MOVD $·handlerG(SB), g
	MOVD $·bootStack(SB), R1
	BL   ·setG(SB)
	MOVD ZR, R30
	SUB  $32, RSP
	MOVD $·boot(SB), R1
	BL   (R1)                 // Go: argc, argv
	MOVD 8(RSP), R0
	MOVD 16(RSP), R2
	ADD  $32, RSP

	// From now on handlerG stands for the handlers' stacks.
	MOVD $·handlerG(SB), g
	MOVD $·handlerStacks(SB), R1
	BL   ·setG(SB)
	MOVD R2, R1
	MOVD $runtime·rt0_go(SB), R3
	JMP  (R3)

elsewhere:
	JMP  ·relocate(SB)
stop:
	JMP  ·stop(SB)

// setG makes g one whose stack starts at R1: the first words of runtime.g are
// stack.lo, stack.hi, stackguard0 and stackguard1. Clobbers R3.
TEXT ·setG(SB), NOSPLIT|NOFRAME, $0
	MOVD R1, 0(g)
	MOVD $-1, R3
	MOVD R3, 8(g)
	ADD  $1024, R1, R3
	MOVD R3, 16(g)
	MOVD R3, 24(g)
	RET

// clear zeros [R1, R2), 16-byte aligned. Clobbers R1.
TEXT ·clear(SB), NOSPLIT|NOFRAME, $0
	CMP  R2, R1
	BHS  done
loop:
	STP.P (ZR, ZR), 16(R1)
	CMP  R2, R1
	BLO  loop
done:
	RET

// keepDeviceTree maps the tree at R19, of which the first 8 bytes are mapped:
// only the blocks that it lies in, as the next one may be a device's
// (booting.rst, "Setup the device tree"). It moves it behind bss when it lies
// within, and changes R19. Clobbers R1-R11.
TEXT ·keepDeviceTree(SB), NOSPLIT|NOFRAME, $0
	CBZ   R19, done
	TST   $7, R19
	BNE   done
	MOVWU (R19), R1
	MOVD  $FDT_MAGIC, R2
	CMP   R2, R1
	BNE   done
	MOVWU 4(R19), R8
	REVW  R8, R8
	MOVD  $FDT_MAX, R2
	CMP   R2, R8
	BHI   done
	ADD   $7, R8
	AND   $~7, R8
	MOVD  R30, R9
	MOVD  R19, R1
	ADD   R19, R8, R2
	BL    ·mapBlocks(SB)
	DSB   $10                 // ISHST: see syncTables
	ISB   $15
	MOVD  R9, R30
	ADD   R19, R8, R3         // its end
	MOVD  $runtime·bss(SB), R1
	CMP   R1, R3
	BLS   done
	MOVD  $runtime·end+15(SB), R2
	AND   $~15, R2
	CMP   R2, R19
	BHS   done

	MOVD  R3, R10
	MOVD  R2, R11
	MOVD  R2, R1
	ADD   R8, R2, R2
	BL    ·mapBlocks(SB)
	DSB   $10
	ISB   $15
	MOVD  R9, R30
	ADD   R8, R11, R2         // the new end; the new place is above the old
copy:
	SUB   $8, R10
	SUB   $8, R2
	MOVD  (R10), R1
	MOVD  R1, (R2)
	CMP   R11, R2
	BHI   copy
	MOVD  R11, R19
done:
	RET

// stop ends what nobody can be told of. Xen's xenctx shows the registers.
TEXT ·stop(SB), NOSPLIT|NOFRAME, $0
	WFI
	JMP -1(PC)

// func Image() (start, end uint64)
TEXT ·Image(SB), NOSPLIT, $0-16
	MOVD $LOADADDR, R0
	MOVD R0, start+0(FP)
	MOVD $runtime·end(SB), R0
	MOVD R0, end+8(FP)
	RET
