package blkfront_test

import (
	"bytes"
	"errors"
	"testing"

	"pvboot/blkfront"
	"pvboot/xen"
	"pvboot/xen/xentest"
)

// Each page is mapped once by a backend that keeps it, whatever is read and
// written.
func TestPersistentGrants(t *testing.T) {
	const size, bounce, total = 40 << 20, 1 << 20, 16 << 20
	for _, tt := range []struct {
		name      string
		keeps     int // pages that the backend keeps
		use       blkfront.Switch
		mostPages int // that it maps at most; 0: at least one for each page of data
	}{
		{"all kept", 1056, blkfront.On, bounce/4096 + 64},
		{"few kept", 20, blkfront.On, 0},
		{"not offered", 0, blkfront.On, 0},
		{"not wanted", 1056, blkfront.Off, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, size, xentest.BlkConfig{MaxIndirect: 256, MaxRingOrder: 4, Persistent: tt.keeps})
			opt := quick
			opt.Persistent, opt.Bounce = tt.use, bounce
			dev := r.open(t, opt)
			checkReads(t, r, dev)
			frames, err := r.m.AllocFrames(512)
			if err != nil {
				t.Fatal(err)
			}
			for off := int64(0); off < total; off += int64(len(frames)) {
				if _, err := dev.ReadAt(frames, off); err != nil || !bytes.Equal(frames, r.disk.want(t, off, len(frames))) {
					t.Fatalf("read at %d: %v, or wrong bytes", off, err)
				}
			}
			data := r.disk.want(t, 1<<20, 600<<10)
			if _, err := dev.WriteAt(data, 8<<20); err != nil || !bytes.Equal(r.disk.want(t, 8<<20, len(data)), data) {
				t.Errorf("write: %v, or wrong bytes", err)
			}
			r.m.FreeFrames(frames)
			mapped := r.back.Stats().Mapped
			if tt.mostPages > 0 && mapped > tt.mostPages {
				t.Errorf("the backend has mapped %d pages, want at most %d", mapped, tt.mostPages)
			}
			if tt.mostPages == 0 && mapped < total/4096 {
				t.Errorf("the backend has mapped %d pages, want one for each of the data", mapped)
			}
			s := dev.Stats()
			if all := s.BytesBounced == s.BytesRead+s.BytesWritten; all != (tt.use == blkfront.On && tt.keeps > 0) {
				t.Errorf("%d bytes of %d copied", s.BytesBounced, s.BytesRead+s.BytesWritten)
			}
		})
	}
}

// A request that is answered late is nobody's any more: its frame is not used
// until then, and the caller's memory is out of the backend's reach.
func TestPersistentLateAnswer(t *testing.T) {
	for _, fault := range []xentest.BlkFault{xentest.BlkIgnore, xentest.BlkHold} {
		r := newRig(t, 16<<20, xentest.BlkConfig{MaxIndirect: 32, Persistent: 1056, Fault: oneFault(fault)})
		opt := impatient
		opt.Persistent = blkfront.On
		dev, err := blkfront.Open(r.info(t), opt)
		if err != nil {
			t.Fatal(err)
		}
		frames, err := r.m.AllocFrames(256)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dev.ReadAt(frames, 65536); !errors.Is(err, xen.ErrTimeout) {
			t.Errorf("fault %d: read: %v", fault, err)
		}
		clear(frames)
		p := make([]byte, 1<<20)
		for range 4 {
			if _, err := dev.ReadAt(p, 1<<20); err != nil || !bytes.Equal(p, r.disk.want(t, 1<<20, len(p))) {
				t.Errorf("fault %d: another read: %v, or wrong bytes", fault, err)
			}
		}
		r.back.Release()
		for dev.Stats().Lost > 0 {
			if _, err := dev.ReadAt(p, 1<<20); err != nil || !bytes.Equal(p, r.disk.want(t, 1<<20, len(p))) {
				t.Fatalf("fault %d: read: %v, or wrong bytes", fault, err)
			}
		}
		if !bytes.Equal(frames, make([]byte, len(frames))) {
			t.Errorf("fault %d: memory of a read that had failed has changed", fault)
		}
		r.m.FreeFrames(frames)
		if err := dev.Close(); err != nil {
			t.Errorf("fault %d: close: %v", fault, err)
		}
		r.clean(t)
	}
}

// A backend that keeps a page beyond the connection must keep the next kernel
// from being started.
func TestPersistentStuckPage(t *testing.T) {
	r := newRig(t, 16<<20, xentest.BlkConfig{MaxIndirect: 32, Persistent: 1056, Fault: oneFault(xentest.BlkKeepGrant)})
	opt := impatient
	opt.Persistent = blkfront.On
	dev, err := blkfront.Open(r.info(t), opt)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dev.ReadAt(make([]byte, 100), 65536); err != nil {
		t.Errorf("read: %v", err)
	}
	if err := dev.Close(); !errors.Is(err, xen.ErrGrantInUse) {
		t.Errorf("close: %v", err)
	}
	r.back.Release()
	if err := dev.Close(); err != nil {
		t.Errorf("close after the backend let go: %v", err)
	}
	r.clean(t)
}
