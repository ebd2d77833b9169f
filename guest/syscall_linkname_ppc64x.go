//go:build ppc64 || ppc64le

package guest

import (
	_ "unsafe" // for linkname

	"pvboot/arch/ppc64"
)

// Numbers of system calls (Linux arch/powerpc/kernel/syscalls/syscall.tbl).
const (
	sysExit          = 1
	sysRead          = 3
	sysWrite         = 4
	sysClose         = 6
	sysLseek         = 19
	sysGetpid        = 20
	sysFcntl         = 55
	sysGettimeofday  = 78
	sysMmap          = 90
	sysMunmap        = 91
	sysFstat         = 108
	sysSchedYield    = 158
	sysNanosleep     = 162
	sysRtSigaction   = 173
	sysRtSigprocmask = 174
	sysStat          = 106
	sysLstat         = 107
	sysPread64       = 179
	sysGetcwd        = 182
	sysSigaltstack   = 185
	sysGetdents64    = 202
	sysMadvise       = 205
	sysGettid        = 207
	sysTkill         = 208
	sysFutex         = 221
	sysGetaffinity   = 223
	sysExitGroup     = 234
	sysEpollCtl      = 237
	sysClockGettime  = 246
	sysTgkill        = 250
	sysOpenat        = 286
	sysMkdirat       = 287
	sysNewfstatat    = 291
	sysUnlinkat      = 292
	sysEpollPwait    = 303
	sysEventfd2      = 314
	sysEpollCreate1  = 315
	sysGetrandom     = 359
)

// onSyscall carries out what stands for a system call. It runs on the
// handlers' stack.
//
//go:linkname onSyscall runtime/goos.OnSyscall
func onSyscall(f *ppc64.Frame) {
	switch f.R[0] {
	case sysStat, sysLstat: // newer architectures have no such calls
		f.R[3] = uint64(fstatat(f.R[3], f.R[4]))
	default:
		f.R[3] = uint64(call(f.R[0], operands(f.R[3:9])))
	}
}
