//go:build !arm64

package guest

// What is different only where the image can leave the place where it is
// linked, which it does on arm64.

func retreat(usable *ranges, image Range, l layout) Range { return image }

func physicalOf(addr uint64) uint64 { return addr }

func viewed(addr, size uint64) uint64 { return addr }
