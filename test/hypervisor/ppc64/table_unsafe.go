//go:build ppc64le

package ppc64

import (
	"encoding/binary"
	"unsafe"
)

// putEntry writes the guest's entry in the partition table (5.7.6.1 "Partition
// Table"): a radix tree of 52 bits with its root, and the process table.
func putEntry(table, root, process uint64) {
	const (
		hostRadix = 1 << 63
		treeSize  = 2<<61 | 5<<5
		rootBits  = 13
		entrySize = 16
		guest     = 1
	)
	b := unsafe.Slice((*byte)(unsafe.Add(nil, table+guest*entrySize)), entrySize)
	binary.BigEndian.PutUint64(b, hostRadix|treeSize|root|rootBits)
	binary.BigEndian.PutUint64(b[8:], process)
}
