package guest

import (
	_ "unsafe" // for linkname

	"pvboot/arch/amd64"
)

// Numbers of system calls (Linux arch/x86/entry/syscalls/syscall_64.tbl).
const (
	sysRead          = 0
	sysWrite         = 1
	sysClose         = 3
	sysFstat         = 5
	sysLseek         = 8
	sysMmap          = 9
	sysMunmap        = 11
	sysRtSigaction   = 13
	sysRtSigprocmask = 14
	sysRtSigreturn   = 15
	sysPread64       = 17
	sysSchedYield    = 24
	sysMadvise       = 28
	sysNanosleep     = 35
	sysGetpid        = 39
	sysExit          = 60
	sysFcntl         = 72
	sysGetcwd        = 79
	sysGettimeofday  = 96
	sysSigaltstack   = 131
	sysArchPrctl     = 158
	sysGettid        = 186
	sysTkill         = 200
	sysFutex         = 202
	sysGetaffinity   = 204
	sysGetdents64    = 217
	sysClockGettime  = 228
	sysExitGroup     = 231
	sysEpollCtl      = 233
	sysTgkill        = 234
	sysOpenat        = 257
	sysMkdirat       = 258
	sysNewfstatat    = 262
	sysUnlinkat      = 263
	sysEpollPwait    = 281
	sysEventfd2      = 290
	sysEpollCreate1  = 291
	sysGetrandom     = 318
)

// onSyscall carries out what stands for a system call. It runs on the
// handlers' stack.
//
//go:linkname onSyscall runtime/goos.OnSyscall
func onSyscall(f *amd64.Frame) (resume *amd64.Frame) {
	switch f.RAX {
	case sysRtSigreturn:
		return sigreturn()
	case sysArchPrctl:
		f.RAX = uint64(archPrctl(f.RDI, f.RSI))
	default:
		f.RAX = uint64(call(f.RAX, operands{f.RDI, f.RSI, f.RDX, f.R10, f.R8, f.R9}))
	}
	return nil
}

// archPrctl sets the base of FS, where the runtime keeps its g.
func archPrctl(code, addr uint64) int64 {
	const archSetFS = 0x1002
	if code != archSetFS {
		return -einval
	}
	amd64.SetTLS(addr)
	return 0
}
