package guest

import "pvboot/arch/amd64"

// Where x86-64 differs from Linux elsewhere (arch/x86/include/uapi/asm).
const (
	openDirectory = 0o200000 // O_DIRECTORY
	epollData     = 4        // in struct epoll_event, which is packed
)

// statT is struct stat.
type statT struct {
	dev, ino, nlink         uint64
	mode, _, _, _           uint32 // and owner, group
	_                       uint64 // device
	size, blockSize, blocks int64
	_                       [9]int64 // times
}

func zero(addr, n uint64) { amd64.Zero(uintptr(addr), uintptr(n)) }

// hwcap is AT_HWCAP: the runtime asks CPUID by itself.
func hwcap() uint64 { return 0 }
