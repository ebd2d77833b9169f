package all

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"pvboot/loader/fs"
)

type memDevice []byte

func (d memDevice) Size() int64                             { return int64(len(d)) }
func (memDevice) SectorSize() int                           { return 512 }
func (d memDevice) ReadAt(b []byte, off int64) (int, error) { return bytes.NewReader(d).ReadAt(b, off) }

func TestOpen(t *testing.T) {
	blank := make(memDevice, 64<<10)
	if f, err := Open(blank); f != nil || !errors.Is(err, fs.ErrUnknown) {
		t.Errorf("blank device: %v, %v, want ErrUnknown", f, err)
	}
	// A reader that knows its filesystem has the last word.
	broken := make(memDevice, 64<<10)
	binary.LittleEndian.PutUint16(broken[1024+0x38:], 0xef53)
	if f, err := Open(broken); f != nil || !errors.Is(err, fs.ErrCorrupt) || errors.Is(err, fs.ErrUnknown) {
		t.Errorf("broken ext4: %v, %v, want ErrCorrupt", f, err)
	}
}
