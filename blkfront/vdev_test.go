package blkfront

import "testing"

func TestNumber(t *testing.T) {
	for _, tt := range []struct {
		number    Number
		name      string
		disk      int
		partition int
		ok        bool
	}{
		{51712, "xvda", 0, 0, true},
		{51713, "xvda1", 0, 1, true},
		{51728, "xvdb", 1, 0, true},
		{51730, "xvdb2", 1, 2, true}, // d1p2 of xen-vbd-interface(7)
		{51967, "xvdp15", 15, 15, true},
		{1<<28 | 536<<8 | 37, "xvdtq37", 536, 37, true}, // d536p37
		{1<<28 | 16<<8, "xvdq", 16, 0, true},
		{1<<28 | 25<<8, "xvdz", 25, 0, true},
		{1<<28 | 26<<8, "xvdaa", 26, 0, true},
		{1<<28 | 701<<8, "xvdzz", 701, 0, true},
		{1<<28 | 702<<8, "xvdaaa", 702, 0, true},
		{1<<28 | 0xfffff<<8 | 255, "xvdbgqcv255", 0xfffff, 255, true},
		{2<<28 - 1, "xvdbgqcv255", 0xfffff, 255, true},
		{2 << 28, "vbd-536870912", 0, 0, false},
		{0xffffffff, "vbd-4294967295", 0, 0, false},
		{8<<8 | 1<<4 | 3, "sdb3", 1, 3, true},
		{8<<8 | 255, "sdp15", 15, 15, true},
		{9 << 8, "vbd-2304", 0, 0, false},
		{768, "hda", 0, 0, true},
		{3<<8 | 1<<6 | 5, "hdb5", 1, 5, true},
		{3<<8 | 128, "vbd-896", 0, 0, false},
		{22 << 8, "hdc", 2, 0, true},
		{22<<8 | 2, "hdc2", 2, 2, true},
		{22<<8 | 64, "hdd", 3, 0, true},
		{0, "vbd-0", 0, 0, false},
	} {
		if got := tt.number.String(); got != tt.name {
			t.Errorf("%d: name %s, want %s", tt.number, got, tt.name)
		}
		disk, ok := tt.number.Disk()
		if disk != tt.disk || ok != tt.ok {
			t.Errorf("%d: disk %d %v, want %d %v", tt.number, disk, ok, tt.disk, tt.ok)
		}
		if got := tt.number.Partition(); got != tt.partition {
			t.Errorf("%d: partition %d, want %d", tt.number, got, tt.partition)
		}
	}
}
