// Shared by the .s files of this package.

// LOADADDR is where the image starts: its ELF headers, with room up to the
// text at LOADADDR+0x1000. cmd/xengo links it there.
#define LOADADDR 0x200000

// Selectors (gdt.go).
#define SEL_CODE 0x10
#define SEL_DATA 0x18

// Sizes in bytes of the stacks in bss. rt0_go takes 64 KiB of the first.
#define BOOT_STACK 0x18000
#define SYSCALL_STACK 0x8000
#define FAULT_STACK 0x8000

// Control register bits (SDM 2.5, APM 3.1).
#define CR0_PE (1<<0)
#define CR0_MP (1<<1)
#define CR0_EM (1<<2)
#define CR0_TS (1<<3)
#define CR0_NE (1<<5)
#define CR0_PG (1<<31)
#define CR4_PAE (1<<5)
#define CR4_OSFXSR (1<<9)
#define CR4_OSXMMEXCPT (1<<10)

// Model-specific registers (SDM vol. 4, APM vol. 2 appendix A).
#define MSR_EFER 0xc0000080
#define EFER_LME (1<<8)
#define MSR_FS_BASE 0xc0000100

// Page table entry bits (SDM 4.5, APM 5.3).
#define PTE_P_RW 3
#define PTE_P_RW_PS 0x83

// In a PV domain: hypercall numbers (public/xen.h), flat segments
// (public/arch-x86/xen-x86_64.h).
#define HYPERVISOR_SET_SEGMENT_BASE 25
#define SEGBASE_FS 0
#define FLAT_CS64 0xe033
