//go:build arm64 || riscv64

package guest

// Numbers of system calls (Linux include/uapi/asm-generic/unistd.h), which newer
// architectures share.
const (
	sysGetcwd        = 17
	sysEventfd2      = 19
	sysEpollCreate1  = 20
	sysEpollCtl      = 21
	sysEpollPwait    = 22
	sysFcntl         = 25
	sysMkdirat       = 34
	sysUnlinkat      = 35
	sysOpenat        = 56
	sysClose         = 57
	sysGetdents64    = 61
	sysLseek         = 62
	sysRead          = 63
	sysWrite         = 64
	sysPread64       = 67
	sysNewfstatat    = 79
	sysFstat         = 80
	sysExit          = 93
	sysExitGroup     = 94
	sysFutex         = 98
	sysNanosleep     = 101
	sysClockGettime  = 113
	sysGetaffinity   = 123
	sysSchedYield    = 124
	sysTkill         = 130
	sysTgkill        = 131
	sysSigaltstack   = 132
	sysRtSigaction   = 134
	sysRtSigprocmask = 135
	sysGettimeofday  = 169
	sysGetpid        = 172
	sysGettid        = 178
	sysMunmap        = 215
	sysMmap          = 222
	sysMadvise       = 233
	sysGetrandom     = 278
)
