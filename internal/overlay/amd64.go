package overlay

// amd64 turns each SYSCALL into a call of the hook in arch/amd64, and the
// program's start into the PVH entry there. Call sites tolerate the eight
// bytes that a call pushes: Go has no red zone.
var amd64 = []Edit{
	{"runtime/rt0_linux_amd64.s", `^\tJMP\t_rt0_amd64\(SB\)$`, "\tJMP\truntime∕goos·CPUInit(SB)", 1},
	{"runtime/sys_linux_amd64.s", syscallAMD64, hookAMD64, 40},
	{"runtime/time_linux_amd64.s", syscallAMD64, hookAMD64, 2},
	{"internal/runtime/syscall/linux/asm_linux_amd64.s", syscallAMD64, hookAMD64, 1},
	{"syscall/asm_linux_amd64.s", syscallAMD64, hookAMD64, 3},
	// In a PV domain, Xen pushes an exception's frame on the stack in use, where
	// a process has a signal stack: every stack keeps room for it.
	{"runtime/stack.go", `^\tstackSystem = goos\.IsWindows.*$`, "\tstackSystem = goos.IsLinux*128", 1},
}

const (
	syscallAMD64 = `^\tSYSCALL$`
	hookAMD64    = "\tCALL\truntime∕goos·Syscall(SB)"
)
