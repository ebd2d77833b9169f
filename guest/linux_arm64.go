package guest

import "pvboot/arch/arm64"

// openDirectory is O_DIRECTORY (arch/arm64/include/uapi/asm/fcntl.h).
const openDirectory = 0o40000

// hwcap is AT_HWCAP, by which the runtime and the crypto and hash packages
// know the processor (arch/arm64/include/uapi/asm/hwcap.h): only what is safe
// to use as it is.
func hwcap() (caps uint64) {
	const fp, asimd = 1 << 0, 1 << 1
	caps = fp | asimd
	isar0 := arm64.ISAR0()
	for _, f := range [...]struct {
		field uint
		least uint64 // value from which on it is there
		cap   uint64
	}{
		{arm64.ISAR0AES, 1, 1 << 3},
		{arm64.ISAR0AES, 2, 1 << 4}, // PMULL
		{arm64.ISAR0SHA1, 1, 1 << 5},
		{arm64.ISAR0SHA2, 1, 1 << 6},
		{arm64.ISAR0SHA2, 2, 1 << 21}, // SHA-512
		{arm64.ISAR0CRC32, 1, 1 << 7},
		{arm64.ISAR0Atomics, 2, 1 << 8},
	} {
		if isar0>>f.field&15 >= f.least {
			caps |= f.cap
		}
	}
	return caps
}
