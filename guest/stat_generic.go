//go:build !amd64 && !ppc64 && !ppc64le

package guest

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
