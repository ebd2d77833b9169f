package blkfront_test

import (
	"fmt"
	"testing"
	"time"

	"pvboot/blkfront"
	"pvboot/xen/xentest"
)

// zeros is a disk without any work.
type zeros struct{}

func (zeros) ReadAt(p []byte, _ int64) (int, error) {
	clear(p)
	return len(p), nil
}

// BenchmarkRead reads through a backend that, like a real one, takes 2 ms for
// a request however long it is: the rate shows how many are in flight.
func BenchmarkRead(b *testing.B) {
	for _, bm := range []struct {
		name string
		c    xentest.BlkConfig
		opt  blkfront.Options
		size int // of one read
		heap bool
	}{
		{"direct/8MiB", xentest.BlkConfig{MaxIndirect: 256, MaxRingOrder: 4}, blkfront.Options{}, 8 << 20, false},
		{"direct/1MiB", xentest.BlkConfig{MaxIndirect: 256, MaxRingOrder: 4}, blkfront.Options{}, 1 << 20, false},
		{"one-page-ring/8MiB", xentest.BlkConfig{MaxIndirect: 32}, blkfront.Options{}, 8 << 20, false},
		{"no-indirect/8MiB", xentest.BlkConfig{}, blkfront.Options{}, 8 << 20, false},
		{"bounced/8MiB", xentest.BlkConfig{MaxIndirect: 256, MaxRingOrder: 4}, blkfront.Options{}, 8 << 20, true},
		{"cached/64KiB", xentest.BlkConfig{MaxIndirect: 256, MaxRingOrder: 4}, blkfront.Options{}, 64 << 10, true},
		{"cached/4KiB", xentest.BlkConfig{MaxIndirect: 256, MaxRingOrder: 4}, blkfront.Options{}, 4 << 10, true},
		{"uncached/4KiB", xentest.BlkConfig{MaxIndirect: 256, MaxRingOrder: 4}, blkfront.Options{Cache: -1}, 4 << 10, true},
	} {
		b.Run(bm.name, func(b *testing.B) {
			const disk = 1 << 40
			m := xentest.New(xentest.Config{Pages: 8192})
			defer m.Close()
			bm.c.Disk, bm.c.Size, bm.c.Delay = zeros{}, disk, 2*time.Millisecond
			r := &rig{m: m, back: m.AddDisk(bm.c)}
			dev := r.benchOpen(b, bm.opt)
			p := make([]byte, bm.size)
			if !bm.heap {
				var err error
				if p, err = m.AllocFrames(bm.size / 4096); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(bm.size))
			off := int64(0)
			for b.Loop() {
				if _, err := dev.ReadAt(p, off%(disk/2)); err != nil {
					b.Fatal(err)
				}
				off += int64(bm.size)
			}
			s := dev.Stats()
			b.ReportMetric(float64(s.MaxInFlight), "requests")
			b.ReportMetric(float64(s.MaxBytesInFlight)/(1<<20), "MiB-in-flight")
			if err := dev.Close(); err != nil {
				b.Fatal(fmt.Errorf("%v: %w", s, err))
			}
		})
	}
}
