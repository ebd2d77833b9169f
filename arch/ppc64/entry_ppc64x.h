// Shared by the .s files of this package. Sections named in comments are those
// of the Power ISA 3.0B, book III.

// LOADADDR is where the image starts: a page with the first instructions
// (internal/linuximage), then the text. QEMU's machine "pseries" loads kernels
// there. cmd/xengo links it so.
#define LOADADDR 0x400000

// Sizes in bytes of the stacks in bss. rt0_go takes 64 KiB of the first. The
// handlers' stacks are one piece, the exceptions' above the system calls'.
#define BOOT_STACK 0x18000
#define SYSCALL_STACK 0x8000
#define HANDLER_STACKS 0x10000

// Offsets in Frame (frame.go).
#define FRAME_NIP 256
#define FRAME_MSR 264
#define FRAME_CTR 272
#define FRAME_LR 280
#define FRAME_XER 288
#define FRAME_CR 296
#define FRAME_DAR 304
#define FRAME_DSISR 312
#define FRAME_VECTOR 320
#define FRAME_NESTED 328
#define FRAME_FPSCR 336
#define FRAME_VS 352
#define FRAME_SIZE 1376

// FIXED_FRAME is what Go's calling convention keeps at the bottom of a stack
// frame, before the arguments.
#define FIXED_FRAME 32

// Special purpose registers (4.4.3 "Move To/From System Register Instructions").
#define DSISR SPR(18)
#define DAR SPR(19)
#define SRR0 SPR(26)
#define SRR1 SPR(27)
#define AMR SPR(29)
#define PIDR SPR(48)
#define IAMR SPR(61)
#define TB SPR(268)
#define SPRG0 SPR(272)
#define SPRG1 SPR(273)
#define SPRG2 SPR(274)
#define SPRG3 SPR(275)
#define PVR SPR(287)
#define LPCR SPR(318)
#define LPIDR SPR(319)
#define PTCR SPR(464)

// MSR bits (3.2.1 "Machine State Register"): what the program has at first,
// translation, and what it never has: EE, PR, FE0, TE, FE1, IR, DR.
#define MSR_VEC_VSX 0x0280
#define MSR_FP_ME_RI 0x3002
#define MSR_FP_RI 0x2002
#define MSR_IR_DR 0x0030
#define MSR_NEVER 0xcf30

// The first word of a device tree, and the most bytes that one may have.
#define FDT_MAGIC 0xd00dfeed
#define FDT_MAX 0x200000

// LOADBE reads a big-endian word.
#ifdef GOARCH_ppc64le
#define LOADBE MOVWBR
#else
#define LOADBE MOVWZ
#endif

// MFMSR and MTMSRD read and write the machine state register by R(n), for which the
// assembler has no name.
#define MFMSR(n) WORD $(0x7c0000a6|(n<<21))
#define MTMSRD(n) WORD $(0x7c000164|(n<<21))
// BCL_NEXT branches to the next instruction with its address in LR.
#define BCL_NEXT WORD $0x429f0005
// SC_1 calls the hypervisor.
#define SC_1 WORD $0x44000022

// SWITCH_ENDIAN goes on in the program's byte order and in 64-bit mode,
// whichever it is reached in. The first word is tdi 0,0,0x48, which does nothing,
// in the program's byte order, and b .+8 in the other, and so jumps over the
// branch to native; the words after that are in the other byte order:
//
//	bcl 20,31,.+4; mflr r10; addi r10,r10,40; mfmsr r11; xori r11,r11,1
//	li r12,1; rldicr r12,r12,63,0; or r11,r11,r12
//	mtsrr0 r10; mtsrr1 r11; rfid
//
// It changes LR, R10, R11 and R12 and must be followed by what native labels.
#define SWITCH_ENDIAN(native) \
	WORD $0x08000048 \
	BR   native \
	WORD $0x05009f42 \
	WORD $0xa602487d \
	WORD $0x28004a39 \
	WORD $0xa600607d \
	WORD $0x01006b69 \
	WORD $0x01008039 \
	WORD $0x06f88c79 \
	WORD $0x78636b7d \
	WORD $0xa6035a7d \
	WORD $0xa6037b7d \
	WORD $0x2400004c
