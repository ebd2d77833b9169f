package guest

// openDirectory is O_DIRECTORY (uapi/asm-generic/fcntl.h).
const openDirectory = 0o200000

// hwcap is AT_HWCAP, which the runtime does not ask for: it knows the processor
// by a system call that fails here, and then uses no extension but what it was
// compiled for.
func hwcap() uint64 { return 0 }
