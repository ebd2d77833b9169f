package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

const (
	zstdMagic = 0xfd2fb528
	// zstdBlock is the most that a block unpacks to (RFC 8878, 3.1.1.2.4).
	zstdBlock = 128 << 10
	// zstdWindow is the largest window that is taken: what `zstd --ultra
	// --long=31` asks for.
	zstdWindow = 1 << 31
	// zstdPlain is a frame header of a magic number, a descriptor and a
	// window; zstdSized has a content size of 8 bytes, too (3.1.1.1).
	zstdPlain = 4 + 1 + 1
	zstdSized = zstdPlain + 8

	zstdSize8 = 3 << 6 // in a descriptor: content size of 8 bytes
	// headBlocks is how many blocks a head is looked for in.
	headBlocks = 4
)

// zstdWhole is RFC 8878, one frame. The frame's checksum is verified if it has
// one.
//
// The decoder compares with the frame's content size after each block, so
// with one block of slack its output never outgrows the memory it was given.
// The kernel's own build gives frames no content size: they get one here.
var zstdWhole = whole{slack: zstdBlock, spare: zstdSized - zstdPlain, unpack: unpackZstd, head: headZstd}

func unpackZstd(dst, buf []byte) (int, error) {
	frame := buf[zstdSized-zstdPlain:]
	header, err := zstdHeader(frame)
	if err != nil {
		return 0, err
	}
	if err := oneFrame(frame, header); err != nil {
		return 0, err
	}
	limit := uint64(max(len(dst)-zstdBlock, 0))
	if header.HasFCS {
		if header.FrameContentSize > limit {
			return 0, ErrTooLarge
		}
		return decodeZstd(dst, frame)
	}
	descriptor, window := frame[4]|zstdSize8, frame[5]
	binary.LittleEndian.PutUint32(buf, zstdMagic)
	buf[4], buf[5] = descriptor, window
	// Nearly always the limit is the size. If not, the size is known then,
	// and the second time verifies it.
	binary.LittleEndian.PutUint64(buf[zstdPlain:], limit)
	n, err := decodeZstd(dst, buf)
	if errors.Is(err, zstd.ErrFrameSizeMismatch) {
		binary.LittleEndian.PutUint64(buf[zstdPlain:], uint64(n))
		n, err = decodeZstd(dst, buf)
	}
	return n, err
}

// decodeZstd unpacks a frame with a content size.
func decodeZstd(dst, frame []byte) (int, error) {
	d, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(zstdWindow),
		zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return 0, err
	}
	defer d.Close()
	// Three-index: what lies behind dst must not be touched.
	out, err := d.DecodeAll(frame, dst[:0:len(dst)])
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrFrameSizeExceeded) {
		err = ErrTooLarge
	}
	return len(out), err
}

func zstdHeader(start []byte) (h zstd.Header, err error) {
	if err := h.Decode(start); err != nil {
		return h, err
	}
	if h.Skippable {
		return h, errors.New("begins with a skippable frame")
	}
	if h.DictionaryID != 0 {
		return h, fmt.Errorf("needs dictionary %d", h.DictionaryID)
	}
	return h, nil
}

// zstdBlockHead takes a block's header apart: whether it is the last one, and
// how many bytes follow it (3.1.1.2).
func zstdBlockHead(head []byte) (last bool, length int, err error) {
	word := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
	length = word >> 3
	switch kind := word >> 1 & 3; {
	case kind == 1: // one byte, repeated so many times
		length = 1
	case kind == 3 || length > zstdBlock:
		return false, 0, errors.New("damaged block header")
	}
	return word&1 != 0, length, nil
}

// oneFrame is an error unless the frame ends where b does.
func oneFrame(b []byte, header zstd.Header) error {
	at := header.HeaderSize
	for last := false; !last; {
		if len(b)-at < 3 {
			return io.ErrUnexpectedEOF
		}
		var length int
		var err error
		if last, length, err = zstdBlockHead(b[at:]); err != nil {
			return err
		}
		at += 3 + length
	}
	if header.HasCheckSum {
		at += 4
	}
	if at > len(b) {
		return io.ErrUnexpectedEOF
	}
	if at < len(b) {
		return fmt.Errorf("%d bytes follow the frame", len(b)-at)
	}
	return nil
}

// headZstd unpacks the first blocks as a frame of their own: blocks refer only
// to what came before them, so the frame's window, for which there may be no
// memory, does not matter.
func headZstd(src io.ReaderAt, size int64, n int) ([]byte, error) {
	start := make([]byte, min(zstd.HeaderMaxSize, size))
	if got, err := src.ReadAt(start, 0); got < len(start) {
		return nil, noEOF(err)
	}
	header, err := zstdHeader(start)
	if err != nil {
		return nil, err
	}
	// No content size, no checksum, a window of 1 MiB.
	spare := zstdSized - zstdPlain
	buf := append(binary.LittleEndian.AppendUint32(make([]byte, spare), zstdMagic), 0, 10<<3)
	dst := make([]byte, (headBlocks+1)*zstdBlock)
	at := int64(header.HeaderSize)
	for i := 0; ; i++ {
		head := make([]byte, 3)
		if got, err := src.ReadAt(head, at); got < len(head) {
			return nil, noEOF(err)
		}
		last, length, err := zstdBlockHead(head)
		if err != nil {
			return nil, err
		}
		body := make([]byte, length)
		if got, err := src.ReadAt(body, at+3); got < len(body) {
			return nil, noEOF(err)
		}
		at += 3 + int64(length)
		buf = append(append(buf, head...), body...)
		buf[len(buf)-length-3] |= 1 // the last block, for now
		got, err := unpackZstd(dst, append([]byte(nil), buf...))
		if err != nil || got >= n || last || i == headBlocks-1 {
			return dst[:got], err
		}
		buf[len(buf)-length-3] &^= 1
	}
}
