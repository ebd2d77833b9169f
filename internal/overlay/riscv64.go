package overlay

// riscv64 turns each ECALL into a call of the hook in arch/riscv64, and the
// program's start into the entry there. A call overwrites the link register,
// which functions without a frame still need, so X29 holds it meanwhile: the
// hook keeps it, and no function with a system call uses it. The assembler
// gives the functions that are not marked NOFRAME a frame, because they are no
// leaves now; all of them reach arguments by FP.
var riscv64 = []Edit{
	{"runtime/rt0_linux_riscv64.s", `^\tMOV\t0\(X2\), A0\t// argc\n\tADD\t\$8, X2, A1\t// argv\n\tJMP\tmain\(SB\)$`, "\tJMP\truntime∕goos·CPUInit(SB)", 1},
	{"runtime/sys_linux_riscv64.s", syscallRISCV64, hookRISCV64, 35},
	{"internal/runtime/syscall/linux/asm_linux_riscv64.s", syscallRISCV64, hookRISCV64, 1},
	{"syscall/asm_linux_riscv64.s", syscallRISCV64, hookRISCV64, 2},
}

const (
	syscallRISCV64 = `^\tECALL$`
	hookRISCV64    = "\tMOV\tRA, X29\n\tCALL\truntime∕goos·Syscall(SB)\n\tMOV\tX29, RA"
)
