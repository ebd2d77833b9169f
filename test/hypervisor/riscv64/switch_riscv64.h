// Offsets in state (switch.go).
#define STATE_X 0
#define STATE_F 256
#define STATE_FCSR 512
#define STATE_PC 520
#define STATE_CAUSE 528
#define STATE_VALUE 536
#define STATE_GUEST 544
#define STATE_MODE 552
#define STATE_HOST 560

// hstatus ("Hypervisor Status Register (hstatus)"): SRET goes to VS-mode or
// VU-mode; WFI traps; VS-mode has 64 bits.
#define HSTATUS_SPV (1<<7)
#define HSTATUS_VTW (1<<21)
#define HSTATUS_VSXL (2<<32)

#define SSTATUS_SIE (1<<1)
#define SSTATUS_SPIE (1<<5)
#define SSTATUS_SPP (1<<8)
#define SIE_STIE (1<<5)

// hedeleg: all that a guest's kernel treats itself, and not its calls, the
// faults of the second stage, or virtual instructions. hideleg: VSSI, VSTI, VSEI.
#define GUEST_TRAPS 0xb1ff
#define GUEST_INTERRUPTS 0x444

// hgatp: MODE Sv39x4, VMID 1.
#define HGATP_SV39X4 (8<<60)
#define HGATP_VMID (1<<44)

// Instructions that the assembler does not know.
#define SRET_ WORD $0x10200073
#define FENCE_I WORD $0x0000100f
#define HFENCE_VVMA WORD $0x22000073
#define HFENCE_GVMA WORD $0x62000073
