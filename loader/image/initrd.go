package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// initrdAlign keeps every file's reads aligned to the disk's units, in bytes.
const initrdAlign = 512

// initrdSegments puts the files one behind the other from address 0 on, each
// at a multiple of align, and returns the bytes of all. Zero bytes between
// archives are what Linux skips (Documentation/driver-api/early-userspace/
// buffer-format.rst).
func initrdSegments(files []File, align uint64) (segs []Segment, total uint64, err error) {
	for i, f := range files {
		size := f.Data.Size()
		if size < 0 || uint64(size) > 1<<40 {
			return nil, 0, fmt.Errorf("initrd %s: absurd size %d", f.Name, size)
		}
		n := uint64(size)
		if i < len(files)-1 {
			n, _ = alignUp(n, align)
		}
		segs = append(segs, Segment{Name: "initrd " + f.Name, Addr: total, Size: n, Data: f.Data, Check: checkInitrd})
		total += n
	}
	if total == 0 {
		return nil, 0, nil
	}
	return segs, total, nil
}

// placeInitrd is initrdSegments in memory that place takes for all of them.
func placeInitrd(files []File, place func(size uint64) (uint64, error)) ([]Segment, error) {
	segs, total, err := initrdSegments(files, initrdAlign)
	if total == 0 || err != nil {
		return nil, err
	}
	base, err := place(total)
	if err != nil {
		return nil, fmt.Errorf("initrd: %w", err)
	}
	for i := range segs {
		segs[i].Addr += base
	}
	return segs, nil
}

// An initrd that was cut short makes the kernel panic minutes later with a
// message that names no file. checkInitrd finds the cut where the format
// shows it without unpacking: the entries of a cpio archive, the blocks of a
// zstd or lz4 frame, the footer of an xz file. Formats that hide their length
// (gzip, bzip2, lzma, lzo) and what is unknown pass: the kernel decides.
//
// Sources: Linux Documentation/driver-api/early-userspace/buffer-format.rst;
// RFC 8878, section 3.1.1 (zstd); lz4_Frame_format.md, "Legacy frame"; the
// .xz file format 1.2.1, section 2.1.2.
func checkInitrd(src Source) error {
	for at := int64(0); ; {
		var err error
		if at, err = skipZeros(src, at); err != nil {
			return err
		}
		head := make([]byte, 6)
		if _, err := src.ReadAt(head, at); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var next func(Source, int64) (int64, error)
		switch {
		case bytes.Equal(head, []byte("070701")), bytes.Equal(head, []byte("070702")):
			next = endOfCpio
		case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
			next = endOfZstd
		case bytes.HasPrefix(head, []byte("\x02\x21\x4c\x18")):
			next = endOfLZ4
		case bytes.Equal(head, []byte("\xfd7zXZ\x00")):
			return checkXZ(src)
		default:
			return nil
		}
		end, err := next(src, at)
		if err != nil {
			return err
		}
		at = end
	}
}

// cutOff is the error for something that ends before it should.
func cutOff(what string, at int64, src Source) error {
	return fmt.Errorf("truncated: the %s at byte %d goes on past the end, byte %d", what, at, src.Size())
}

// inside reads buf at off, and reports false past the end.
func inside(src Source, buf []byte, off int64) (bool, error) {
	if off < 0 || off > src.Size()-int64(len(buf)) {
		return false, nil
	}
	n, err := src.ReadAt(buf, off)
	if n == len(buf) {
		err = nil
	}
	return true, err
}

// need reads buf at off; past the end, what began at at is cut off.
func need(src Source, buf []byte, off int64, what string, at int64) error {
	ok, err := inside(src, buf, off)
	if err == nil && !ok {
		err = cutOff(what, at, src)
	}
	return err
}

// skipZeros finds the first byte from at that is not zero, the file's size if
// there is none: zeros may stand between archives.
func skipZeros(src Source, at int64) (int64, error) {
	buf := make([]byte, 4096)
	for at < src.Size() {
		n, err := src.ReadAt(buf, at)
		for i, b := range buf[:n] {
			if b != 0 {
				return at + int64(i), nil
			}
		}
		if at += int64(n); err != nil && !errors.Is(err, io.EOF) {
			return at, err
		}
		if n == 0 {
			break
		}
	}
	return at, nil
}

// A newc header is 110 bytes: a magic of 6 and 13 fields of 8 hex digits, the
// 7th of which is the file's size and the 12th the name's, with its NUL.
const (
	newcHeader   = 110
	newcFileSize = 6 + 6*8
	newcNameSize = 6 + 11*8
	maxName      = 4096
)

// endOfCpio walks the newc archive at at to the end of its trailer.
func endOfCpio(src Source, at int64) (int64, error) {
	for {
		head := make([]byte, newcHeader)
		if ok, err := inside(src, head, at); err != nil {
			return 0, err
		} else if !ok {
			if at >= src.Size() {
				return at, nil // Linux does not ask for a trailer
			}
			return 0, cutOff("cpio header", at, src)
		}
		if !bytes.HasPrefix(head, []byte("07070")) {
			return at, nil
		}
		size, err1 := strconv.ParseUint(string(head[newcFileSize:newcFileSize+8]), 16, 32)
		nameSize, err2 := strconv.ParseUint(string(head[newcNameSize:newcNameSize+8]), 16, 32)
		if err1 != nil || err2 != nil || nameSize == 0 || nameSize > maxName {
			return 0, fmt.Errorf("the cpio header at byte %d is damaged", at)
		}
		name := make([]byte, nameSize)
		if err := need(src, name, at+newcHeader, "cpio header", at); err != nil {
			return 0, err
		}
		data := (at + newcHeader + int64(nameSize) + 3) &^ 3
		if data+int64(size) > src.Size() {
			return 0, cutOff("cpio entry "+string(bytes.TrimRight(name, "\x00")), at, src)
		}
		at = (data + int64(size) + 3) &^ 3
		if string(name) == "TRAILER!!!\x00" {
			return at, nil
		}
	}
}

// endOfZstd walks the blocks of the frame at at.
func endOfZstd(src Source, at int64) (int64, error) {
	desc := make([]byte, 1)
	if err := need(src, desc, at+4, "zstd frame", at); err != nil {
		return 0, err
	}
	// RFC 8878, 3.1.1.1: window descriptor, dictionary ID, content size.
	single := desc[0]>>5&1 != 0
	pos := at + 5 + []int64{0, 1, 2, 4}[desc[0]&3] + []int64{0, 2, 4, 8}[desc[0]>>6]
	if !single {
		pos++
	} else if desc[0]>>6 == 0 {
		pos++
	}
	for last := false; !last; {
		block := make([]byte, 3)
		if err := need(src, block, pos, "zstd frame", at); err != nil {
			return 0, err
		}
		v := int64(block[0]) | int64(block[1])<<8 | int64(block[2])<<16
		last = v&1 != 0
		switch size := v >> 3; v >> 1 & 3 {
		case 1: // RLE: one byte stands for size
			pos += 3 + 1
		case 3:
			return 0, fmt.Errorf("the zstd block at byte %d is damaged", pos)
		default:
			pos += 3 + size
		}
	}
	if desc[0]&4 != 0 {
		pos += 4 // checksum
	}
	if pos > src.Size() {
		return 0, cutOff("zstd frame", at, src)
	}
	return pos, nil
}

// endOfLZ4 walks the blocks of a legacy frame, which ends where the file does
// or where no block can follow.
func endOfLZ4(src Source, at int64) (int64, error) {
	const maxBlock = 8<<20 + 8<<20/255 + 16 // LZ4_compressBound(8 MiB)
	for pos := at + 4; ; {
		head := make([]byte, 4)
		ok, err := inside(src, head, pos)
		if err != nil {
			return 0, err
		}
		if !ok {
			end, err := skipZeros(src, pos)
			if err == nil && end < src.Size() {
				err = cutOff("lz4 frame", at, src)
			}
			return end, err
		}
		size := int64(binary.LittleEndian.Uint32(head))
		if size == 0 || size > maxBlock {
			return pos, nil
		}
		if pos += 4 + size; pos > src.Size() {
			return 0, cutOff("lz4 frame", at, src)
		}
	}
}

// checkXZ wants the footer's magic at the end of the file, zeros apart. What
// follows an xz archive can be a cpio archive, which has its own end.
func checkXZ(src Source) error {
	tail := make([]byte, min(src.Size(), 4096))
	if ok, err := inside(src, tail, src.Size()-int64(len(tail))); err != nil || !ok {
		return err
	}
	end := bytes.TrimRight(tail, "\x00")
	if len(end) == 0 || bytes.HasSuffix(end, []byte("YZ")) || bytes.HasSuffix(end, []byte("TRAILER!!!")) {
		return nil
	}
	return fmt.Errorf("truncated: no end of the xz archive at byte %d", src.Size())
}
