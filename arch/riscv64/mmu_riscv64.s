#include "textflag.h"
#include "entry_riscv64.h"

// mapBlocks maps the 2 MiB blocks that hold [T0, T1) to themselves, in the
// tables at S2, and takes a table at S3 where one is missing. It stops the
// processor when the blocks lie above 256 GiB or need too many tables. Clobbers
// T0-T5.
TEXT ·mapBlocks(SB), NOSPLIT|NOFRAME, $0
	SRLI $21, T0
	SLLI $21, T0
	SRLI $38, T1, T2
	BNEZ T2, stop
next:
	BGEU T0, T1, done
	SRLI $30, T0, T2
	SLLI $3, T2
	ADD  S2, T2
	MOV  (T2), T3
	BNEZ T3, found
	MOV  $TABLES_SIZE, T4
	ADD  S2, T4
	BGEU S3, T4, stop
	SRLI $2, S3, T3
	ORI  $PTE_TABLE, T3
	MOV  T3, (T2)
	MOV  $0x1000, T4
	ADD  T4, S3
found:
	SRLI $10, T3
	SLLI $12, T3              // the table
	SRLI $21, T0, T4
	ANDI $511, T4
	SLLI $3, T4
	ADD  T4, T3
	SRLI $2, T0, T4
	ORI  $PTE_BLOCK, T4
	MOV  T4, (T3)
	MOV  $0x200000, T4
	ADD  T4, T0
	JMP  next
stop:
	JMP  ·stop(SB)
done:
	RET

// enableMMU turns on translation with the tables at S2. It stops a processor
// without Sv39: there the write of satp has no effect (volume II, "Supervisor
// Address Translation and Protection (satp) Register"). Clobbers T0, T1.
TEXT ·enableMMU(SB), NOSPLIT|NOFRAME, $0
	SRLI  $12, S2, T0
	MOV   $SATP_SV39, T1
	OR    T1, T0
	// Translation is on from the write of satp on, but that orders no walk
	// behind the stores to the tables, and drops no translation of whoever ran
	// before ("Supervisor Memory-Management Fence Instruction").
	SFENCE_VMA
	CSRRW T0, SATP, X0
	SFENCE_VMA
	CSRRS X0, SATP, T1
	BNE   T0, T1, stop
	RET
stop:
	JMP   ·stop(SB)

// func syncTables()
//
// A processor may keep invalid entries, too, until the next SFENCE.VMA; and only
// this orders the stores to the tables before the walks ("Supervisor
// Memory-Management Fence Instruction").
TEXT ·syncTables(SB), NOSPLIT, $0-0
	SFENCE_VMA
	RET

// func root() uint64
TEXT ·root(SB), NOSPLIT, $0-8
	CSRRS X0, SATP, T0
	SLLI  $20, T0             // PPN, 44 bits
	SRLI  $8, T0
	MOV   T0, ret+0(FP)
	RET
