package vmlinux

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"pvboot/internal/compress"
)

// spoilers make a bzImage that a loader must refuse out of a good one.
var spoilers = map[string]func(bz []byte) ([]byte, error){
	"truncated": truncated,
	"cut":       cut,
	"flipped":   flipped,
	"longer":    func(bz []byte) ([]byte, error) { return otherSize(bz, 1<<20) },
	"shorter":   func(bz []byte) ([]byte, error) { return otherSize(bz, -1<<20) },
	"bomb":      func(bz []byte) ([]byte, error) { return bomb(bz, false) },
	"huge":      func(bz []byte) ([]byte, error) { return bomb(bz, true) },
	"elf32":     func(bz []byte) ([]byte, error) { return replacePayload(bz, elf32()), nil },
}

// Spoilers lists the ways to spoil a kernel.
func Spoilers() []string {
	var names []string
	for name := range spoilers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Spoil returns a bzImage that a loader must refuse, made from a good one that
// is not of codec none:
//
//	truncated  the compressed payload ends half-way; its length fits
//	cut        the file itself ends in the payload
//	flipped    a bit in the payload's middle is another one
//	longer     the payload says that it unpacks to 1 MiB more than it does
//	shorter    the payload says that it unpacks to 1 MiB less than it does
//	bomb       3 GiB of zeros follow the kernel, and the size does not say so
//	huge       3 GiB of zeros follow the kernel, and the size says so
//	elf32      the kernel is a 32-bit one for PV domains
func Spoil(bz []byte, how string) ([]byte, error) {
	spoil, ok := spoilers[how]
	if !ok {
		return nil, fmt.Errorf("vmlinux: spoil by %q: want one of %v", how, Spoilers())
	}
	_, codec, err := Payload(bz)
	if err != nil {
		return nil, err
	}
	if codec == none {
		return nil, fmt.Errorf("vmlinux: the payload of codec %s cannot be spoiled", codec)
	}
	return spoil(bz)
}

// cutSize cuts the uncompressed size off a payload's end.
func cutSize(payload []byte) (rest []byte, size int) {
	n := len(payload) - 4
	if n < 0 {
		return payload, 0
	}
	return payload[:n], int(binary.LittleEndian.Uint32(payload[n:]))
}

func truncated(bz []byte) ([]byte, error) {
	payload, _, err := Payload(bz)
	stream, size := cutSize(payload)
	return replacePayload(bz, withSize(stream[:len(stream)/2], size)), err
}

func cut(bz []byte) ([]byte, error) {
	payload, _, err := Payload(bz)
	offset := setupSize(bz) + uint64(binary.LittleEndian.Uint32(bz[offPayloadOffset:]))
	return slices.Clone(bz[:offset+uint64(len(payload)/2)]), err
}

func flipped(bz []byte) ([]byte, error) {
	payload, _, err := Payload(bz)
	payload = slices.Clone(payload)
	payload[len(payload)/2] ^= 1
	return replacePayload(bz, payload), err
}

// otherSize changes the size that the payload says it unpacks to. In gzip's
// payloads, too, it is the last word.
func otherSize(bz []byte, by int) ([]byte, error) {
	payload, _, err := Payload(bz)
	stream, size := cutSize(payload)
	return replacePayload(bz, withSize(stream, size+by)), err
}

// bombSize is what a bomb unpacks to beside the kernel, in bytes: with it the
// size still fits into its word.
const bombSize = 3 << 30

// bomb packs the kernel and a lot of zeros by zstd. Honest ones say how many.
func bomb(bz []byte, honest bool) ([]byte, error) {
	elf, err := Extract(bz)
	if err != nil {
		return nil, err
	}
	zstd, _ := compress.Named("zstd")
	stream, err := zstd.Pack(elf)
	if err == nil {
		stream, err = appendZeros(stream, bombSize)
	}
	if err != nil {
		return nil, fmt.Errorf("vmlinux: %w", err)
	}
	size := len(elf)
	if honest {
		size += bombSize
	}
	return replacePayload(bz, withSize(stream, size)), nil
}

// Parts of a zstd frame (RFC 8878, 3.1.1).
const (
	zstdHeader    = 6      // magic number, descriptor, window
	zstdChecksum  = 1 << 2 // in the descriptor: four bytes end the frame
	zstdLast      = 1 << 0 // in a block's header
	zstdRLE       = 1      // type of a block: one byte, repeated
	zstdBlockSize = 128 << 10
)

// appendZeros adds zeros, whole blocks of them, to a zstd frame whose header
// does not say how long its content is.
func appendZeros(frame []byte, n int) ([]byte, error) {
	if len(frame) < zstdHeader || frame[4]&^zstdChecksum != 0 {
		return nil, fmt.Errorf("zstd: frame starts with % x: want one without a size", frame[:min(len(frame), zstdHeader)])
	}
	at := zstdHeader
	for {
		if at+3 > len(frame) {
			return nil, fmt.Errorf("zstd: no last block")
		}
		head := int(frame[at]) | int(frame[at+1])<<8 | int(frame[at+2])<<16
		size := head >> 3
		if head>>1&3 == zstdRLE {
			size = 1
		}
		if head&zstdLast != 0 {
			frame[at] &^= zstdLast
			at += 3 + size
			break
		}
		at += 3 + size
	}
	if at > len(frame) {
		return nil, fmt.Errorf("zstd: frame ends in its last block")
	}
	frame[4] &^= zstdChecksum
	frame = frame[:at]
	for ; n > 0; n -= zstdBlockSize {
		head := zstdBlockSize<<3 | zstdRLE<<1
		if n <= zstdBlockSize {
			head |= zstdLast
		}
		frame = append(frame, byte(head), byte(head>>8), byte(head>>16), 0)
	}
	return frame, nil
}

// Notes of 32-bit PV kernels (Xen's public/elfnote.h).
const (
	noteEntry      = 1
	noteVirtBase   = 3
	noteXenVersion = 5
	noteGuestOS    = 6
	noteLoader     = 8
	notePAEMode    = 9
)

// elf32 returns the smallest 32-bit kernel for PV domains: a page of hlt, and
// the notes that Xen's builders want.
func elf32() []byte {
	const (
		header, segment = 52, 32 // sizes of ELF's structures
		virtBase        = 0xc0000000
		code            = 4096
	)
	le := binary.LittleEndian
	var notes []byte
	note := func(kind uint32, desc []byte) {
		for _, n := range []int{4, len(desc), int(kind)} {
			notes = le.AppendUint32(notes, uint32(n))
		}
		notes = append(append(notes, "Xen\x00"...), desc...)
		notes = append(notes, make([]byte, -len(desc)&3)...)
	}
	word := func(n uint32) []byte { return le.AppendUint32(nil, n) }
	note(noteEntry, word(virtBase+1<<20))
	note(noteVirtBase, word(virtBase))
	note(noteXenVersion, []byte("xen-3.0\x00"))
	note(noteGuestOS, []byte("none\x00"))
	note(noteLoader, []byte("generic\x00"))
	note(notePAEMode, []byte("yes\x00"))

	out := []byte(elfMagic + "\x01\x01\x01")
	out = append(out, make([]byte, 16-len(out))...)
	half := func(list ...uint16) {
		for _, n := range list {
			out = le.AppendUint16(out, n)
		}
	}
	words := func(list ...uint32) {
		for _, n := range list {
			out = le.AppendUint32(out, n)
		}
	}
	half(2, 3) // ET_EXEC, EM_386
	words(1, virtBase+1<<20, header, 0, 0)
	half(header, segment, 2, 0, 0, 0)
	words(1, code, virtBase+1<<20, 1<<20, code, code, 5, code)                     // PT_LOAD
	words(4, header+2*segment, 0, 0, uint32(len(notes)), uint32(len(notes)), 4, 4) // PT_NOTE
	out = append(out, notes...)
	out = append(out, make([]byte, code-len(out))...)
	return append(out, bytes.Repeat([]byte{0xf4}, code)...)
}
