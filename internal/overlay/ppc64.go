package overlay

// ppc64le and ppc64 turn each SYSCALL into a call of the hook in arch/ppc64, and
// the program's start into the entry there. The assembler's SYSCALL loads R0 with
// the number and zeros it afterwards; the hook does the latter. A call overwrites
// the link register, which functions without a frame still need, so R26 holds it
// meanwhile: no function with a system call uses it. The assembler gives the
// functions that are not marked NOFRAME a frame, because they are no leaves now;
// all of them reach arguments by FP.
var (
	ppc64le = append([]Edit{
		{"runtime/rt0_linux_ppc64le.s", `^\tXOR R0, R0\t  // Make sure R0 is zero before _main\n\tBR _main<>\(SB\)$`, "\tBR runtime∕goos·CPUInit(SB)", 1},
	}, ppc64x...)

	// The entry of a big-endian program is a function descriptor.
	ppc64 = append([]Edit{
		{"runtime/rt0_linux_ppc64.s", `^\tXOR\tR0, R0 // Note, newer kernels may not always set R0 to 0\.$`, "\tBR\truntime∕goos·CPUInit(SB)", 1},
	}, ppc64x...)

	ppc64x = []Edit{
		{"runtime/sys_linux_ppc64x.s", syscallPPC64, hookPPC64, 36},
		{"internal/runtime/syscall/linux/asm_linux_ppc64x.s", syscallPPC64, hookPPC64, 1},
		{"syscall/asm_linux_ppc64x.s", syscallPPC64, hookPPC64, 2},
	}
)

const (
	syscallPPC64 = `^\tSYSCALL[ \t]+(\S+)$`
	hookPPC64    = "\tMOVD\tLR, R26\n\tMOVD\t${1}, R0\n\tCALL\truntime∕goos·Syscall(SB)\n\tMOVD\tR26, LR"
)
