package blkfront

import (
	"errors"
	"fmt"
	"io"
	"time"

	"pvboot/blkfront/blkif"
	"pvboot/xen"
)

const (
	// directMin is the least read that goes past the cache, straight into
	// the caller's memory: enough requests to keep a backend busy.
	directMin = 512 << 10
	// stateEvery is how long a wait goes without any answer before it asks
	// xenstore whether the backend is still there.
	stateEvery = 250 * time.Millisecond
)

// Size returns the device's length in bytes.
func (dev *Device) Size() int64 { return dev.size }

// SectorSize returns the logical sector size in bytes, a power of two between
// 512 and 4096.
func (dev *Device) SectorSize() int { return dev.sector }

// ReadAt follows io.ReaderAt for any offset and length and is safe for
// concurrent use. Small reads go through a cache. Large ones go by many
// requests at once, straight into those pages of p that lie wholly within p
// and begin at a multiple of the page size when the offset that belongs there
// is a multiple of the sector size; the rest is copied.
//
// When it fails, what p holds is not defined. Errors about the disk are an
// [*OpError]. Should the backend not answer and keep its hand on the pages of
// p, then Close fails, for p may change at any time.
func (dev *Device) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("blkfront: %s: read at offset %d", dev.name, off)
	}
	if err := dev.enter(); err != nil {
		return 0, err
	}
	defer dev.leave()
	if off >= dev.size {
		if len(p) == 0 {
			return 0, nil
		}
		return 0, io.EOF
	}
	var eof error
	if rest := dev.size - off; int64(len(p)) > rest {
		p, eof = p[:rest], io.EOF
	}
	n, err := 0, errUncached
	if len(p) < directMin {
		n, err = dev.cache.readAt(p, off)
	}
	// A sector that nobody asked for may be bad: then only what was asked
	// for is read again.
	if err == errUncached || errors.Is(err, ErrIO) {
		if _, err = dev.run(newTransfer(blkif.OpRead, off+int64(n), dev.sector, p[n:])); err == nil {
			n = len(p)
		}
	}
	if err != nil {
		return n, err
	}
	return n, eof
}

// fetch is the cache's way to the disk.
func (dev *Device) fetch(off int64, spans, own [][]byte) (lost bool, err error) {
	t := newTransfer(blkif.OpRead, off, dev.sector, spans...)
	t.private, t.own = true, own
	return dev.run(t)
}

// WriteAt follows io.WriterAt and is safe for concurrent use. Offset and
// length must be multiples of the sector size. What is written has reached
// stable storage only after [Device.Flush].
func (dev *Device) WriteAt(p []byte, off int64) (int, error) {
	if err := dev.enter(); err != nil {
		return 0, err
	}
	defer dev.leave()
	sector := int64(dev.sector)
	switch {
	case dev.readOnly:
		return 0, fmt.Errorf("blkfront: %s: write: %w", dev.name, ErrReadOnly)
	case off < 0 || off%sector != 0 || int64(len(p))%sector != 0:
		return 0, fmt.Errorf("blkfront: %s: write of %d bytes at offset %d: not whole sectors of %d bytes", dev.name, len(p), off, sector)
	case off > dev.size || int64(len(p)) > dev.size-off:
		return 0, fmt.Errorf("blkfront: %s: write of %d bytes at offset %d: beyond the end at %d", dev.name, len(p), off, dev.size)
	case len(p) == 0:
		return 0, nil
	}
	dev.cache.invalidate(off, len(p))
	defer dev.cache.invalidate(off, len(p))
	if _, err := dev.run(newTransfer(blkif.OpWrite, off, dev.sector, p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush waits until everything written before has reached stable storage. A
// backend that has no such operation writes through. On a read-only device,
// where blkback answers with an error, there is nothing to do.
func (dev *Device) Flush() error {
	if err := dev.enter(); err != nil {
		return err
	}
	defer dev.leave()
	if !dev.flush || dev.readOnly {
		return nil
	}
	_, err := dev.run(newTransfer(blkif.OpFlush, 0, dev.sector))
	if errors.Is(err, ErrNotSupported) {
		// blkif.h: the feature may be taken back by this answer.
		return nil
	}
	return err
}

// run carries a transfer out. lost says that requests of it were given up and
// may still touch its memory.
func (dev *Device) run(t *transfer) (lost bool, err error) {
	dev.mu.Lock()
	defer dev.mu.Unlock()
	q := dev.q
	progress, asked := time.Now(), time.Now()
	for {
		now := time.Now()
		q.fill(t, now)
		if q.ring.Push() {
			q.stats.Notified++
			if err := dev.port.Notify(); err != nil {
				q.fail(fmt.Errorf("%w: %w", ErrBackend, err))
			}
		}
		if t.done() {
			break
		}
		settled, freed := t.settled, q.freed
		dev.mu.Unlock()
		waitErr := dev.d.Wait(stateEvery, func() bool {
			dev.mu.Lock()
			defer dev.mu.Unlock()
			// Where data is copied, the next request goes out before that of a
			// second answer is: the backend must not run dry meanwhile.
			for (q.kept == nil || t.settled == settled) && q.take() {
			}
			return t.settled != settled || t.pending == 0 && (q.freed != freed || q.fault != nil)
		})
		if waitErr != nil && time.Since(asked) >= stateEvery {
			asked = time.Now()
			dev.checkBackend()
		}
		dev.mu.Lock()
		now = time.Now()
		if waitErr == nil {
			progress = now
		} else if !errors.Is(waitErr, xen.ErrTimeout) {
			q.fail(waitErr)
		}
		q.expire(now, dev.opt.Timeout)
		if t.pending == 0 && now.Sub(progress) >= dev.opt.Timeout {
			t.fail(q.opError(t, t.pos/blkif.SectorSize, t.remaining(), fmt.Errorf("no request free: %w after %v", xen.ErrTimeout, dev.opt.Timeout)))
		}
	}
	t.over = true
	return t.lost > 0, t.err
}

// checkBackend fails the queue when the backend has left the connection.
func (dev *Device) checkBackend() {
	if err := dev.backendGone(); err != nil {
		dev.mu.Lock()
		dev.q.fail(err)
		dev.mu.Unlock()
	}
}
