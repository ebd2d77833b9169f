// Offsets in state (switch.go).
#define STATE_PC 256
#define STATE_MSR 264
#define STATE_LR 272
#define STATE_CTR 280
#define STATE_XER 288
#define STATE_CR 296
#define STATE_SRR0 304
#define STATE_SRR1 312
#define STATE_DAR 320
#define STATE_DSISR 328
#define STATE_SPRG 336
#define STATE_PID 368
#define STATE_AMR 376
#define STATE_IAMR 384
#define STATE_FPSCR 392
#define STATE_VECTOR 400
#define STATE_HDAR 408
#define STATE_HDSISR 416
#define STATE_ASDR 424
#define STATE_VRSAVE 432
#define STATE_LPCR 440
#define STATE_SLICE 448
#define STATE_HOST 456
#define STATE_VS 528

// Special purpose registers (4.4.3).
#define DSISR SPR(18)
#define DAR SPR(19)
#define SRR0 SPR(26)
#define SRR1 SPR(27)
#define AMR SPR(29)
#define PIDR SPR(48)
#define IAMR SPR(61)
#define HFSCR SPR(190)
#define VRSAVE SPR(256)
#define SPRG0 SPR(272)
#define SPRG1 SPR(273)
#define SPRG2 SPR(274)
#define SPRG3 SPR(275)
#define HSPRG0 SPR(304)
#define HSPRG1 SPR(305)
#define HDSISR SPR(306)
#define HDAR SPR(307)
#define HDEC SPR(310)
#define HSRR0 SPR(314)
#define HSRR1 SPR(315)
#define LPCR SPR(318)
#define LPIDR SPR(319)
#define ASDR SPR(816)
#define HID0 SPR(1008)

// The guest's partition.
#define GUEST_LPID 1

#define MSR_VEC_VSX 0x0280
#define MSR_FP 0x2000
#define MSR_IR_DR 0x0030
// HID0.HILE of POWER9: interrupts to the hypervisor are little-endian.
#define HID0_HILE 0x0800000000000000

#define MFMSR(n) WORD $(0x7c0000a6|(n<<21))
#define MTMSRD(n) WORD $(0x7c000164|(n<<21))
#define HRFID WORD $0x4c000224
#define MFFS_F0 WORD $0xfc00048e
#define MTFSF_F0 WORD $0xfdfe058e
// tlbie r4,r5,2,1,1 and tlbie r4,r5,2,0,1: entries of process and of partition
// translations of radix trees, and what is cached of the tables.
#define TLBIE_PROCESSES WORD $0x7cab2264
#define TLBIE_PARTITIONS WORD $0x7ca92264
