package guest

import (
	_ "unsafe" // for linkname

	"pvboot/arch/amd64"
)

// The few system calls that the stock runtime and standard library make and
// that mean something here (Linux arch/x86/entry/syscalls/syscall_64.tbl).
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
	if f.RAX == sysRtSigreturn {
		return sigreturn()
	}
	f.RAX = uint64(call(f))
	return nil
}

// call returns a result or a negated Linux errno.
func call(f *amd64.Frame) int64 {
	switch f.RAX {
	case sysWrite:
		return write(int32(f.RDI), f.RSI, f.RDX)
	case sysRead:
		return readFile(int32(f.RDI), f.RSI, f.RDX)
	case sysMmap:
		return mmap(f.RDI, f.RSI, f.RDX, f.R10)
	case sysMunmap:
		heap.release(f.RDI, f.RSI)
		return 0
	case sysMadvise:
		return madvise(f.RDI, f.RSI, f.RDX)
	case sysClockGettime:
		return clockGettime(f.RSI)
	case sysGettimeofday:
		return gettimeofday(f.RDI)
	case sysNanosleep:
		return nanosleep(f.RDI)
	case sysFutex:
		return futex(f.RDI, f.RSI, uint32(f.RDX), f.R10)
	case sysEpollPwait:
		return epollWait(f.RSI, int32(f.RDX), int32(f.R10))
	case sysEpollCtl:
		return epollCtl(f.RSI, int32(f.RDX), f.R10)
	case sysEpollCreate1:
		return epollFile
	case sysEventfd2:
		return eventFile
	case sysRtSigaction:
		return sigaction(f.RDI, f.RSI, f.RDX)
	case sysSigaltstack:
		return sigaltstack(f.RDI, f.RSI)
	case sysTkill:
		return raise(f.RSI)
	case sysTgkill:
		return raise(f.RDX)
	case sysArchPrctl:
		return archPrctl(f.RDI, f.RSI)
	case sysGetrandom:
		getRandomData(memory(f.RDI, int(f.RSI)))
		return int64(f.RSI)
	case sysGetaffinity:
		*at[uint64](f.RDX) = 1 // one processor
		return 8
	case sysExit, sysExitGroup:
		exit(int32(f.RDI))
	case sysGetpid, sysGettid:
		return 1
	case sysRtSigprocmask, sysSchedYield, sysFcntl:
		return 0
	case sysMkdirat, sysUnlinkat:
		return -erofs
	}
	return fileCall(f)
}

// fileCall is call for files.
func fileCall(f *amd64.Frame) int64 {
	switch f.RAX {
	case sysOpenat:
		return openat(f.RSI, f.RDX)
	case sysClose:
		return closeFile(int32(f.RDI))
	case sysPread64:
		return pread(int32(f.RDI), f.RSI, f.RDX, f.R10)
	case sysLseek:
		return seek(int32(f.RDI), int64(f.RSI), f.RDX)
	case sysFstat:
		return fstat(int32(f.RDI), f.RSI)
	case sysNewfstatat:
		return fstatat(f.RSI, f.RDX)
	case sysGetdents64:
		return getdents(int32(f.RDI), f.RSI, f.RDX)
	case sysGetcwd:
		return getcwd(f.RDI, f.RSI)
	}
	return -enosys
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
