package overlay

// arm64 turns each SVC into a call of the hook in arch/arm64, and the
// program's start into the entry there. A call overwrites the link register,
// which functions without a frame still need, so R17 holds it meanwhile: the
// hook keeps it, and no function with a system call uses it. The assembler
// gives the functions that are not marked NOFRAME a frame of 16 bytes more,
// because they are no leaves now; all of them reach arguments by FP.
var arm64 = []Edit{
	{"runtime/rt0_linux_arm64.s", `^\tJMP\t_rt0_arm64\(SB\)$`, "\tJMP\truntime∕goos·CPUInit(SB)", 1},
	{"runtime/sys_linux_arm64.s", syscallARM64, hookARM64, 39},
	{"internal/runtime/syscall/linux/asm_linux_arm64.s", syscallARM64, hookARM64, 1},
	{"syscall/asm_linux_arm64.s", syscallARM64, hookARM64, 2},
}

const (
	syscallARM64 = `^\tSVC$`
	hookARM64    = "\tMOVD\tR30, R17\n\tCALL\truntime∕goos·Syscall(SB)\n\tMOVD\tR17, R30"
)
