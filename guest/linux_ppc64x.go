//go:build ppc64 || ppc64le

package guest

import "pvboot/arch/ppc64"

// openDirectory is O_DIRECTORY (arch/powerpc/include/uapi/asm/fcntl.h).
const openDirectory = 0o40000

// hwcap and hwcap2 are AT_HWCAP and AT_HWCAP2, by which the runtime knows the
// processor (arch/powerpc/include/uapi/asm/cputable.h): only what is safe to use
// as it is.
func hwcap() uint64 {
	const has64, hasAltivec, hasFPU, hasVSX = 0x40000000, 0x10000000, 0x08000000, 0x00000080
	return has64 | hasAltivec | hasFPU | hasVSX
}

func hwcap2() uint64 {
	const arch207, arch300, darn, arch31 = 0x80000000, 0x00800000, 0x00200000, 0x00040000
	caps := uint64(arch207 | arch300 | darn)
	if ppc64.Version()>>16 == ppc64.POWER10 {
		caps |= arch31
	}
	return caps
}

// statT is struct stat (arch/powerpc/include/uapi/asm/stat.h).
type statT struct {
	dev, ino, nlink uint64
	mode            uint32
	_               [3]uint32 // owner, group
	_               uint64    // device
	size            int64
	blockSize       int64
	blocks          int64
	_               [9]uint64 // times
}
