// Shared by the .s files of this package. Chapters named in comments are those
// of the RISC-V Instruction Set Manual, volume II "Privileged Architecture",
// unless they say otherwise.

// LOADADDR is where the image starts: its Linux Image header, with room up to
// the text at LOADADDR+0x1000. cmd/xengo links it there.
#define LOADADDR 0x80200000

// Sizes in bytes of the stacks in bss. rt0_go takes 64 KiB of the first. The
// handlers' stacks are one piece, the exceptions' above the system calls'.
#define BOOT_STACK 0x18000
#define SYSCALL_STACK 0x8000
#define HANDLER_STACKS 0x10000

// The first page tables: the root and what Go code maps first.
#define TABLES_SIZE 0xc000

// Offsets in Frame (frame.go).
#define FRAME_PC 256
#define FRAME_STATUS 264
#define FRAME_CAUSE 272
#define FRAME_VALUE 280
#define FRAME_NESTED 288
#define FRAME_FCSR 296
#define FRAME_F 304
#define FRAME_SIZE 560

// sstatus ("Supervisor Status (sstatus) Register"): interrupts enabled, to be
// enabled by SRET, SRET to S-mode, floating-point state in use.
#define SSTATUS_SIE (1<<1)
#define SSTATUS_SPIE (1<<5)
#define SSTATUS_SPP (1<<8)
#define SSTATUS_FS (3<<13)
#define SSTATUS_VS (3<<9)

// satp: MODE Sv39, ASID 0.
#define SATP_SV39 (8<<60)

// Page-table entries ("Sv39: Page-Based 39-bit Virtual-Memory System"): V; and
// V, R, W, X, A, D.
#define PTE_TABLE 0x01
#define PTE_BLOCK 0xcf

// The first word of a device tree as a little-endian processor reads it, and
// the most bytes that one may have.
#define FDT_MAGIC 0xedfe0dd0
#define FDT_MAX 0x200000

// Instructions that the assembler does not know.
#define WFI_ WORD $0x10500073
#define SRET_ WORD $0x10200073
#define SFENCE_VMA WORD $0x12000073 // of all addresses and address spaces
#define FENCE_I WORD $0x0000100f
