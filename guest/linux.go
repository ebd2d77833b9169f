package guest

// Linux errno values (uapi/asm-generic/errno-base.h, errno.h).
const (
	enoent       = 2
	ebadf        = 9
	eagain       = 11
	enomem       = 12
	enotdir      = 20
	eisdir       = 21
	einval       = 22
	emfile       = 24
	erofs        = 30
	erange       = 34
	enametoolong = 36
	enosys       = 38
	etimedout    = 110
)

// File descriptors that the runtime itself gets.
const (
	stdin     = 0
	stdout    = 1
	stderr    = 2
	epollFile = 3
	eventFile = 4
)

// write is write(2): output for stdout and stderr, a wake-up for the event
// file.
func write(fd int32, buf, n uint64) int64 {
	switch fd {
	case stdout, stderr:
		output(memory(buf, int(n)))
		return int64(n)
	case eventFile:
		events.pending = true
		return int64(n)
	}
	return -ebadf
}

// readFile is read(2). Nothing ever comes from stdin.
func readFile(fd int32, buf, n uint64) int64 {
	switch fd {
	case stdin:
		return 0
	case eventFile:
		if !events.pending || n < 8 {
			return -eagain
		}
		events.pending = false
		*at[uint64](buf) = 1
		return 8
	}
	got := int64(-ebadf)
	if f := descriptor(fd); f != nil {
		if got = pread(fd, buf, n, f.pos); got > 0 {
			f.pos += uint64(got)
		}
	}
	return got
}

// mmap is mmap(2) as the runtime uses it. Address and memory are one: what is
// reserved is there. Hints are refused, so that the runtime takes what it
// gets; arenas come from the bottom at their alignment and the runtime's own
// tables from the top.
func mmap(addr, size, prot, flags uint64) int64 {
	const (
		protNone = 0
		mapFixed = 0x10
	)
	if flags&mapFixed != 0 {
		if !heap.contains(addr, size) {
			return -enomem
		}
		if prot != protNone {
			zero(addr, size)
		}
		return int64(addr)
	}
	n := (size + pageSize - 1) / pageSize
	if addr != 0 || n == 0 {
		return -enomem
	}
	if n > uint64(heap.n) {
		return outOfMemory(size)
	}
	var ok bool
	switch {
	case prot == protNone && size >= arenaSize:
		addr, ok = heap.bottom(int(n), arenaSize)
	default:
		addr, ok = heap.top(int(n))
	}
	if !ok {
		return outOfMemory(size)
	}
	if prot != protNone {
		zero(addr, n*pageSize)
	}
	return int64(addr)
}

// outOfMemory says so before the runtime gives up.
func outOfMemory(size uint64) int64 {
	put("pvboot: out of memory: ")
	putInt(int64(size >> 10))
	put(" KiB wanted, ")
	putInt(int64(heap.largest() * (pageSize >> 10)))
	put(" KiB of the heap's ")
	putInt(int64(heap.n * (pageSize >> 10)))
	put(" KiB are free in one piece\n")
	return -enomem
}

// madvise is madvise(2): pages that are not needed read as zeros next.
func madvise(addr, size, advice uint64) int64 {
	const dontNeed = 4
	if advice == dontNeed && heap.contains(addr, size) {
		zero(addr, size)
	}
	return 0
}

// timespec is struct timespec; timeval has microseconds in its place.
type timespec struct{ sec, nsec int64 }

func (t timespec) ns() int64 { return t.sec*1e9 + t.nsec }

// clockGettime is clock_gettime(2). Every clock counts from the start.
func clockGettime(ts uint64) int64 {
	now := nanotime()
	*at[timespec](ts) = timespec{now / 1e9, now % 1e9}
	return 0
}

func gettimeofday(tv uint64) int64 {
	now := nanotime()
	*at[timespec](tv) = timespec{now / 1e9, now % 1e9 / 1e3}
	return 0
}

func nanosleep(ts uint64) int64 {
	idle(nanotime() + at[timespec](ts).ns())
	return 0
}

// futex is futex(2) for one thread: nobody can wake a waiter, so a wait is a
// sleep, and one without an end is a deadlock.
func futex(addr, op uint64, value uint32, timeout uint64) int64 {
	const (
		wait       = 0
		privateBit = 128
	)
	if op&^privateBit != wait {
		return 0 // wake: nobody waits
	}
	if *at[uint32](addr) != value {
		return -eagain
	}
	if timeout == 0 {
		die("deadlock: the only thread waits for itself")
	}
	idle(nanotime() + at[timespec](timeout).ns())
	return -etimedout
}

// events is the one file that epoll watches: the runtime's own wake-up.
var events struct {
	pending bool
	watched bool
	data    uint64
}

// epollCtl is epoll_ctl(2) for the event file.
func epollCtl(op uint64, fd int32, event uint64) int64 {
	const add = 1
	if op != add || fd != eventFile {
		return -einval
	}
	events.watched = true
	events.data = *at[uint64](event + epollData)
	return 0
}

// epollWait is epoll_pwait(2), with a timeout in microseconds: cmd/xengo
// changes the runtime's one call so, because a millisecond is long. It is
// where the scheduler ends up when it has nothing to do.
func epollWait(out uint64, n, timeout int32) int64 {
	const in = 1
	if !events.pending {
		if timeout < 0 {
			die("deadlock: waiting for events that cannot come")
		}
		if timeout > 0 {
			idle(nanotime() + int64(timeout)*1e3)
		}
	}
	if !events.pending || !events.watched || n < 1 {
		return 0
	}
	*at[uint32](out) = in
	*at[uint64](out + epollData) = events.data
	return 1
}
