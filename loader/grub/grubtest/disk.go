package grubtest

import (
	"errors"
	"io"
)

// RAM is a disk in memory.
type RAM struct {
	Data   []byte
	Sector int
	Writes int
	// FailAt makes reads and writes fail that touch this byte, when it is
	// not negative.
	FailAt int64
	// Forget makes writes vanish.
	Forget bool
}

// NewRAM is an empty disk that does not fail.
func NewRAM(size, sector int) *RAM {
	return &RAM{Data: make([]byte, size), Sector: sector, FailAt: -1}
}

// ErrIO is what FailAt gives.
var ErrIO = errors.New("input/output error")

// Size and SectorSize are in bytes.
func (r *RAM) Size() int64     { return int64(len(r.Data)) }
func (r *RAM) SectorSize() int { return r.Sector }

// ReadAt reads anywhere.
func (r *RAM) ReadAt(p []byte, off int64) (int, error) {
	if r.fails(p, off) {
		return 0, ErrIO
	}
	if off < 0 || off > r.Size() {
		return 0, io.EOF
	}
	n := copy(p, r.Data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt writes whole sectors.
func (r *RAM) WriteAt(p []byte, off int64) (int, error) {
	if r.fails(p, off) {
		return 0, ErrIO
	}
	if off%int64(r.Sector) != 0 || len(p)%r.Sector != 0 || off < 0 || off+int64(len(p)) > r.Size() {
		return 0, errors.New("write is not of whole sectors on the disk")
	}
	r.Writes++
	if !r.Forget {
		copy(r.Data[off:], p)
	}
	return len(p), nil
}

func (r *RAM) fails(p []byte, off int64) bool {
	return r.FailAt >= 0 && off <= r.FailAt && r.FailAt < off+int64(len(p))
}
