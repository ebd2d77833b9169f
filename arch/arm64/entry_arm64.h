// Shared by the .s files of this package. Sections named in comments are those
// of the Arm Architecture Reference Manual for A-profile, DDI 0487.

// LOADADDR is where the image starts: its Linux Image header, with room up to
// the text at LOADADDR+0x1000. cmd/xengo links it there.
#define LOADADDR 0x40200000

// Sizes in bytes of the stacks in bss. rt0_go takes 64 KiB of the first. The
// handlers' stacks are one piece, the exceptions' above the system calls'.
#define BOOT_STACK 0x18000
#define SYSCALL_STACK 0x8000
#define HANDLER_STACKS 0x10000

// The first page tables: level 0, level 1, and what Go code maps first.
#define TABLES_SIZE 0xa000

// Offsets in Frame (frame.go).
#define FRAME_SP 248
#define FRAME_PC 256
#define FRAME_PSTATE 264
#define FRAME_ESR 272
#define FRAME_FAR 280
#define FRAME_VECTOR 288
#define FRAME_FPSR 296
#define FRAME_FPCR 304
#define FRAME_V 320
#define FRAME_SIZE 832

// PUSH_FRAME makes room for a Frame. It is given as a word because the stack is
// the handlers', and the linker would count it as the interrupted function's.
// SUB $FRAME_SIZE, RSP:
#define PUSH_FRAME WORD $0xd10d03ff

// CurrentEL (C5.2, "Special-purpose registers").
#define CURRENT_EL1 (1<<2)

// CPACR_EL1: no trap of floating point; ZEN and SMEN stay 0.
#define CPACR_FPEN (3<<20)

// MAIR_EL1: attribute 0 is Normal, inner and outer write-back,
// read- and write-allocate; attribute 1 is Device-nGnRE.
#define MAIR 0x04ff

// TCR_EL1: 48 bits of addresses by TTBR0, 4 KiB granule, table walks Normal
// write-back inner shareable; no walks by TTBR1. IPS is put in at run time.
#define TCR_T0SZ 16
#define TCR_WALKS ((1<<8)|(1<<10)|(3<<12))
#define TCR_EPD1 (1<<23)
#define TCR_IPS_SHIFT 32
#define PA_BITS_48 5

// SCTLR_EL1: bits that are RES1 where their feature is missing (LSMAOE,
// nTLSMD, SPAN, EIS, TSCXT, EOS), caches, stack alignment checks, MMU. A is
// 0: Go reads unaligned. So are BT, MTE's and pointer authentication's bits.
#define SCTLR 0x30d0181d
#define SCTLR_M_C 5

// Descriptors (D8.3, "Translation table descriptor formats").
#define DESC_TABLE 3
// A block: UXN, AF, inner shareable, attribute 0, read-write at EL1.
#define DESC_BLOCK ((1<<54)|(1<<10)|(3<<8)|1)

// The first word of a device tree as a little-endian processor reads it, and
// the most bytes that one may have.
#define FDT_MAGIC 0xedfe0dd0
#define FDT_MAX 0x200000
