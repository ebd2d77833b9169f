//go:build ppc64 || ppc64le

#include "textflag.h"
#include "entry_ppc64x.h"

// References are to the Power ISA 3.0B, book III.

// TLBIE rb,rs,ric,prs,r: entries of process translations (PRS) of radix trees (R),
// with all that is cached of the tables (RIC 2).
// tlbie r4,r5,2,1,1 and tlbie r4,r5,2,0,1
#define TLBIE_PROCESSES WORD $0x7cab2264
#define TLBIE_PARTITIONS WORD $0x7ca92264

// func translate()
//
// The process may have run before, as the last program's: its hypervisor has
// forgotten what was cached of that (H_REGISTER_PROCESS_TABLE changes it).
TEXT ·translate(SB), NOSPLIT|NOFRAME, $0-0
	MOVD $0, R3
	MOVD R3, PIDR
	MOVD R3, AMR
	MOVD R3, IAMR
	PTESYNC
	ISYNC
	MFMSR(3)
	OR   $MSR_IR_DR, R3
	MTMSRD(3)
	ISYNC
	RET

// func untranslate()
TEXT ·untranslate(SB), NOSPLIT|NOFRAME, $0-0
	MFMSR(3)
	MOVD $MSR_IR_DR, R4
	ANDN R4, R3, R3
	MTMSRD(3)
	ISYNC
	RET

// func syncTables()
//
// After a valid entry took an invalid one's place, the walk must see the store
// before the next instruction needs it (5.10.1.1 "Adding a Page Table Entry").
TEXT ·syncTables(SB), NOSPLIT|NOFRAME, $0-0
	PTESYNC
	ISYNC
	RET

// func setPartition(lpcr, ptcr, lpid uint64, set bool) (oldLPCR, oldPTCR, oldLPID uint64)
//
// In hypervisor mode. Nothing may be cached of what other tables had (5.10.2
// "TLB Management"): IS 3 is all partitions.
TEXT ·setPartition(SB), NOSPLIT|NOFRAME, $0-56
	MOVD  LPCR, R3
	MOVD  R3, oldLPCR+32(FP)
	MOVD  PTCR, R3
	MOVD  R3, oldPTCR+40(FP)
	MOVD  LPIDR, R3
	MOVD  R3, oldLPID+48(FP)
	MOVBZ set+24(FP), R3
	CMP   R3, $0
	BEQ   done
	PTESYNC
	MOVD  ptcr+8(FP), R3
	MOVD  R3, PTCR
	MOVD  lpid+16(FP), R3
	MOVD  R3, LPIDR
	MOVD  lpcr+0(FP), R3
	MOVD  R3, LPCR
	ISYNC
	MOVD  $0xc00, R4
	MOVD  $0, R5
	TLBIE_PROCESSES
	TLBIE_PARTITIONS
	WORD  $0x7c0006ac // eieio
	TLBSYNC
	PTESYNC
	ISYNC
done:
	RET
