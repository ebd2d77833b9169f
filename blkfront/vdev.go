package blkfront

import "strconv"

// A Number is a virtual-device number, by which the toolstack says what a vbd
// is to be called (xen-vbd-interface(7)).
type Number uint32

// A kind of disk name and the numbers that encode it.
type numbering struct {
	prefix         string
	base           Number // number of the first disk's partition 0
	first, count   Number // disks
	partitionShift uint
}

// Encodings of xen-vbd-interface(7), "Concrete encoding in the VBD interface".
var numberings = []numbering{
	{"xvd", 1 << 28, 0, 1 << 20, 8},
	{"xvd", 202 << 8, 0, 16, 4},
	{"sd", 8 << 8, 0, 16, 4},
	{"hd", 3 << 8, 0, 2, 6},
	{"hd", 22 << 8, 2, 2, 6},
}

// split finds how n is encoded. Deprecated and reserved numbers are not ok.
func (n Number) split() (prefix string, disk, partition int, ok bool) {
	for _, e := range numberings {
		if n >= e.base && n < e.base+e.count<<e.partitionShift {
			d := (n - e.base) >> e.partitionShift
			return e.prefix, int(e.first + d), int(n - e.base - d<<e.partitionShift), true
		}
	}
	return "", 0, 0, false
}

// Disk returns the disk's place, 0 for xvda, sda and hda; false for a number
// that the interface does not define.
func (n Number) Disk() (int, bool) {
	_, disk, _, ok := n.split()
	return disk, ok
}

// Partition returns which partition the vbd stands for, 0 for a whole disk.
func (n Number) Partition() int {
	_, _, partition, _ := n.split()
	return partition
}

// String gives the name by which xl and Linux know the device: xvda, xvdtq37,
// sdb3, hdc. A number that the interface does not define is vbd-NUMBER.
func (n Number) String() string {
	prefix, disk, partition, ok := n.split()
	if !ok {
		return "vbd-" + strconv.FormatUint(uint64(n), 10)
	}
	name := prefix + letters(disk)
	if partition != 0 {
		name += strconv.Itoa(partition)
	}
	return name
}

// letters counts a, b … z, aa, ab ….
func letters(n int) string {
	s := ""
	for ; n >= 0; n = n/26 - 1 {
		s = string(rune('a'+n%26)) + s
	}
	return s
}
