package xz

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// blockHeader is what a block says of itself; lengths are -1 when it does
// not.
type blockHeader struct {
	packed, unpacked int64
	filter           func([]byte) // after LZMA2; nil for none
}

// blockHeader reads a block's header behind its first byte, its size (3.1).
func (r *reader) blockHeader(size byte) (h blockHeader, err error) {
	b, err := r.read((int(size)+1)*4 - 1)
	if err != nil {
		return h, err
	}
	end := len(b) - 4
	sum := crc32.Update(crc32.ChecksumIEEE([]byte{size}), crc32.IEEETable, b[:end])
	if sum != binary.LittleEndian.Uint32(b[end:]) {
		return h, fmt.Errorf("block header: %w", ErrChecksum)
	}
	flags := b[0]
	if flags&0x3c != 0 {
		return h, damaged("bad block flags")
	}
	f := fields{b: b[1:end]}
	h.packed, h.unpacked = -1, -1
	if flags&0x40 != 0 {
		h.packed = int64(f.number())
	}
	if flags&0x80 != 0 {
		h.unpacked = int64(f.number())
	}
	count := int(flags&3) + 1
	for i := range count {
		id, props := f.number(), f.bytes(f.number())
		switch {
		case f.bad:
		case i == count-1 && id == filterLZMA2 && len(props) == 1:
		case i == 0 && count == 2 && filters[id] != nil && (len(props) == 0 || len(props) == 4):
			start := uint32(0)
			if len(props) == 4 {
				start = binary.LittleEndian.Uint32(props)
			}
			h.filter = func(b []byte) { filters[id](b, start) }
		default:
			return h, fmt.Errorf("filter %#x is not supported", id)
		}
	}
	for _, v := range f.b {
		f.bad = f.bad || v != 0
	}
	if f.bad || h.packed < -1 || h.unpacked < -1 {
		return h, damaged("bad block header")
	}
	return h, nil
}

// fields takes a header apart; bad when it ends too early.
type fields struct {
	b   []byte
	bad bool
}

// number takes a multibyte integer (1.2).
func (f *fields) number() (v uint64) {
	for i, b := range f.b[:min(len(f.b), 9)] {
		v |= uint64(b&0x7f) << (7 * i)
		if b&0x80 == 0 {
			f.b = f.b[i+1:]
			return v
		}
	}
	f.bad = true
	return 0
}

func (f *fields) bytes(n uint64) (b []byte) {
	if f.bad || n > uint64(len(f.b)) {
		f.bad = true
		return nil
	}
	b, f.b = f.b[:n], f.b[n:]
	return b
}

// Control bytes of LZMA2 chunks.
const (
	lzma2End       = 0
	lzma2PlainNew  = 1 // as it is, a new dictionary
	lzma2Plain     = 2
	lzma2Reset     = 0xa0 // from here on, the state is reset,
	lzma2Props     = 0xc0 // there are new properties,
	lzma2NewDict   = 0xe0 // a new dictionary
	lzma2Packed    = 0x80 // LZMA at all
	lzma2SizeMask  = 0x1f // bits 16 to 20 of the length
	lzma2PlainHead = 2
	lzma2Head      = 4
)

// chunks unpacks LZMA2 up to its end, or enough bytes.
func (r *reader) chunks(enough int) error {
	// What a chunk must bring because none before it has.
	needDict, needProps, needReset := true, true, true
	for r.lzma.Len() < enough {
		b, err := r.read(1)
		if err != nil {
			return err
		}
		control := b[0]
		if control == lzma2End {
			return nil
		}
		if control > lzma2Plain && control < lzma2Packed {
			return damaged("bad chunk")
		}
		if control == lzma2PlainNew || control >= lzma2NewDict {
			r.lzma.Restart()
			needDict = false
		}
		if needDict {
			return damaged("chunk without a dictionary")
		}
		if control < lzma2Packed {
			if b, err = r.read(lzma2PlainHead); err != nil {
				return err
			}
			if b, err = r.read(int(binary.BigEndian.Uint16(b)) + 1); err != nil {
				return err
			}
			if err := r.lzma.Plain(b); err != nil {
				return err
			}
			continue
		}
		if b, err = r.read(lzma2Head); err != nil {
			return err
		}
		size := int(control&lzma2SizeMask)<<16 + int(binary.BigEndian.Uint16(b)) + 1
		packed := int(binary.BigEndian.Uint16(b[2:])) + 1
		switch {
		case control >= lzma2Props:
			if b, err = r.read(1); err != nil {
				return err
			}
			if err := r.lzma.SetProperties(b[0]); err != nil {
				return err
			}
			needProps, needReset = false, false
		case needProps:
			return damaged("chunk without properties")
		case control >= lzma2Reset:
			r.lzma.Reset()
			needReset = false
		case needReset:
			return damaged("chunk without a state")
		}
		if b, err = r.read(packed); err != nil {
			return err
		}
		if err := r.lzma.Chunk(b, size); err != nil {
			return err
		}
	}
	return nil
}
