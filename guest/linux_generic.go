//go:build !amd64

package guest

// epollData is where struct epoll_event has its data (Linux
// uapi/linux/eventpoll.h).
const epollData = 8

// statT is struct stat (uapi/asm-generic/stat.h).
type statT struct {
	dev, ino    uint64
	mode, nlink uint32
	_           [2]uint32 // owner, group
	_           [2]uint64 // device
	size        int64
	blockSize   int32
	_           int32
	blocks      int64
	_           [6]int64 // times
	_           [2]uint32
}

func zero(addr, n uint64) { clear(memory(addr, int(n))) }
