//go:build amd64 || arm64 || riscv64 || ppc64le || ppc64

package guest

// The few system calls that the stock runtime and standard library make and
// that mean something here; their numbers stand in the architecture's files.

// operands are the arguments of a system call.
type operands [6]uint64

// call returns a result or a negated Linux errno.
func call(number uint64, a operands) int64 {
	switch number {
	case sysWrite:
		return write(int32(a[0]), a[1], a[2])
	case sysRead:
		return readFile(int32(a[0]), a[1], a[2])
	case sysMmap:
		return mmap(a[0], a[1], a[2], a[3])
	case sysMunmap:
		heap.release(a[0], a[1])
		return 0
	case sysMadvise:
		return madvise(a[0], a[1], a[2])
	case sysClockGettime:
		return clockGettime(a[1])
	case sysGettimeofday:
		return gettimeofday(a[0])
	case sysNanosleep:
		return nanosleep(a[0])
	case sysFutex:
		return futex(a[0], a[1], uint32(a[2]), a[3])
	case sysEpollPwait:
		return epollWait(a[1], int32(a[2]), int32(a[3]))
	case sysEpollCtl:
		return epollCtl(a[1], int32(a[2]), a[3])
	case sysEpollCreate1:
		return epollFile
	case sysEventfd2:
		return eventFile
	case sysRtSigaction:
		return sigaction(a[0], a[1], a[2])
	case sysSigaltstack:
		return sigaltstack(a[0], a[1])
	case sysTkill:
		return raise(a[1])
	case sysTgkill:
		return raise(a[2])
	case sysGetrandom:
		getRandomData(memory(a[0], int(a[1])))
		return int64(a[1])
	case sysGetaffinity:
		*at[uint64](a[2]) = 1 // one processor
		return 8
	case sysExit, sysExitGroup:
		exit(int32(a[0]))
	case sysGetpid, sysGettid:
		return 1
	case sysRtSigprocmask, sysSchedYield, sysFcntl:
		return 0
	case sysMkdirat, sysUnlinkat:
		return -erofs
	}
	return fileCall(number, a)
}

// fileCall is call for files.
func fileCall(number uint64, a operands) int64 {
	switch number {
	case sysOpenat:
		return openat(a[1], a[2])
	case sysClose:
		return closeFile(int32(a[0]))
	case sysPread64:
		return pread(int32(a[0]), a[1], a[2], a[3])
	case sysLseek:
		return seek(int32(a[0]), int64(a[1]), a[2])
	case sysFstat:
		return fstat(int32(a[0]), a[1])
	case sysNewfstatat:
		return fstatat(a[1], a[2])
	case sysGetdents64:
		return getdents(int32(a[0]), a[1], a[2])
	case sysGetcwd:
		return getcwd(a[0], a[1])
	}
	return -enosys
}
