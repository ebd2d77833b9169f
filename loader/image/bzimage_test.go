package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"pvboot/internal/golden"
)

const mib = 1 << 20

// pvhMap is the memory map that libxl gives a PVH domain of n MiB.
func pvhMap(n uint64) []Range {
	return []Range{
		{Start: 0, Size: n * mib, Type: RAM},
		{Start: 0xfc000000, Size: 0x1000, Type: ACPI},
		{Start: 0xfeff8000, Size: 0x8000, Type: Reserved},
	}
}

// bzFile makes a bzImage with a real header and recognisable code.
func bzFile(edit func(h []byte)) []byte {
	const sects, code = 3, 5000 * 16
	f := make([]byte, (sects+1)*512+code)
	le := binary.LittleEndian
	f[hdrSetupSects] = sects
	le.PutUint32(f[hdrSysSize:], code/16)
	le.PutUint16(f[hdrBootFlag:], 0xaa55)
	f[hdrJump] = 0x6a
	copy(f[hdrMagic:], "HdrS")
	le.PutUint16(f[hdrVersion:], 0x20f)
	f[hdrLoadFlags] = loadedHigh
	le.PutUint32(f[hdrInitrdAddrMax:], 0x7fffffff)
	le.PutUint32(f[hdrAlignment:], 2*mib)
	f[hdrRelocatable] = 1
	le.PutUint16(f[hdrXLoadFlags:], xlfKernel64|xlfAbove4G)
	le.PutUint32(f[hdrCmdLineSize:], 2047)
	le.PutUint64(f[hdrPrefAddress:], 16*mib)
	le.PutUint32(f[hdrInitSize:], 40*mib)
	for i := (sects + 1) * 512; i < len(f); i++ {
		f[i] = byte(i)
	}
	if edit != nil {
		edit(f)
	}
	return f
}

func initrd(name string, n int) File {
	return File{Name: name, Data: bytes.NewReader(bytes.Repeat([]byte{7}, n))}
}

// dump prints a plan so that a person can check it against boot.rst.
func dump(t *testing.T, p *Plan) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "kind %s\nentry mode %d pc %#x regs %#x\n", p.Kind, p.Entry.Mode, p.Entry.PC, p.Entry.Regs)
	for _, s := range p.Segments {
		fmt.Fprintf(&b, "segment %-14s %#10x size %#x reserve %#x", s.Name, s.Addr, s.Size, s.Reserve)
		if s.Data != nil {
			fmt.Fprintf(&b, " data %d", s.Data.Size())
		}
		b.WriteByte('\n')
		if !slices.Contains([]string{"boot_params", "start info", "multiboot info"}, s.Name) {
			continue
		}
		data := make([]byte, s.Data.Size())
		if _, err := s.Data.ReadAt(data, 0); err != nil && err != io.EOF {
			t.Fatal(err)
		}
		for i := 0; i < len(data); i += 16 {
			if row := data[i:min(i+16, len(data))]; !bytes.Equal(row, make([]byte, len(row))) {
				fmt.Fprintf(&b, "  %03x  % x\n", i, row)
			}
		}
	}
	return b.String()
}

func TestBzImageGolden(t *testing.T) {
	le := binary.LittleEndian
	tests := []struct {
		name string
		file []byte
		req  Request
	}{
		{"plain", bzFile(nil), Request{CmdLine: "root=/dev/xvda1 ro", Machine: Machine{Arch: "amd64", Memory: pvhMap(512), RSDP: 0xfc008000}}},
		{"initrds", bzFile(nil), Request{Initrd: []File{initrd("a", 1000), initrd("b", 3*mib)}, Machine: Machine{Arch: "amd64", Memory: pvhMap(512)}}},
		{"low initrd limit", bzFile(func(h []byte) {
			le.PutUint32(h[hdrInitrdAddrMax:], 100*mib-1)
			le.PutUint16(h[hdrXLoadFlags:], xlfKernel64)
		}),
			Request{Initrd: []File{initrd("a", mib)}, Machine: Machine{Arch: "amd64", Memory: pvhMap(512)}}},
		{"above 4 GiB", bzFile(func(h []byte) { le.PutUint32(h[hdrInitrdAddrMax:], 0xffffffff) }),
			Request{Initrd: []File{initrd("a", mib)}, Machine: Machine{Arch: "amd64", Memory: append(pvhMap(3840), Range{Start: 1 << 32, Size: 64 * mib, Type: RAM})}}},
		{"preferred address taken", bzFile(nil), Request{Machine: Machine{Arch: "amd64", Memory: []Range{
			{Start: 0, Size: 20 * mib, Type: RAM}, {Start: 20 * mib, Size: mib, Type: Reserved}, {Start: 21 * mib, Size: 200 * mib, Type: RAM}}}}},
		{"32-bit", bzFile(func(h []byte) { le.PutUint16(h[hdrXLoadFlags:], 0) }), Request{Machine: Machine{Arch: "amd64", Memory: pvhMap(128)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.req.Name, tt.req.Kernel = "/vmlinuz", bytes.NewReader(tt.file)
			plan, err := Build(tt.req)
			if err != nil {
				t.Fatal(err)
			}
			got := dump(t, plan)
			golden.Check(t, "bzimage-"+strings.ReplaceAll(tt.name, " ", "-")+".golden", got)
		})
	}
}

func TestBzImageRefused(t *testing.T) {
	le := binary.LittleEndian
	memory := pvhMap(256)
	tests := []struct {
		name string
		file []byte
		req  Request
		want string
	}{
		{"empty", nil, Request{}, "/vmlinuz: not a kernel of a known format"},
		{"text", []byte("hello\n"), Request{}, "/vmlinuz: not a kernel of a known format"},
		{"truncated", bzFile(nil)[:9000], Request{}, "/vmlinuz: bzImage: truncated: header says 82048 bytes, file has 9000"},
		{"old protocol", bzFile(func(h []byte) { h[hdrVersion] = 0x0b }), Request{}, "/vmlinuz: bzImage: boot protocol 2.11 is too old, need 2.12"},
		{"zImage", bzFile(func(h []byte) { h[hdrLoadFlags] = 0 }), Request{}, "/vmlinuz: bzImage: zImage kernels, loaded below 1 MiB, are not supported"},
		{"no code", bzFile(func(h []byte) { le.PutUint32(h[hdrSysSize:], 0) }), Request{}, "/vmlinuz: bzImage: no protected-mode code"},
		{"bad alignment", bzFile(func(h []byte) { le.PutUint32(h[hdrAlignment:], 3*mib) }), Request{}, "/vmlinuz: bzImage: kernel_alignment 0x300000 is not a power of two"},
		{"huge", bzFile(func(h []byte) { le.PutUint32(h[hdrInitSize:], 1<<31) }), Request{}, "/vmlinuz: bzImage: init_size 0x80000000 is above 1 GiB"},
		{"command line", bzFile(nil), Request{CmdLine: strings.Repeat("x", 2048)}, "/vmlinuz: bzImage: command line of 2048 bytes, the kernel takes 2047"},
		{"kernel too big", bzFile(func(h []byte) { le.PutUint32(h[hdrInitSize:], 300*mib) }), Request{},
			"/vmlinuz: bzImage: kernel: no room for 307200 KiB of RAM between 0x100000 and 0x100000000: the domain needs more memory"},
		{"initrd too big", bzFile(nil), Request{Initrd: []File{initrd("i", 250*mib)}},
			"/vmlinuz: bzImage: initrd: no room for 256000 KiB of RAM between 0x100000 and 0x10000000000000: the domain needs more memory"},
		{"not relocatable", bzFile(func(h []byte) { h[hdrRelocatable] = 0; le.PutUint64(h[hdrPrefAddress:], 1<<40) }), Request{},
			"/vmlinuz: bzImage: kernel: no room for 40960 KiB of RAM between 0x10000000000 and 0x10002800000: the domain needs more memory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.req.Name, tt.req.Kernel, tt.req.Machine = "/vmlinuz", bytes.NewReader(tt.file), Machine{Arch: "amd64", Memory: memory}
			_, err := Build(tt.req)
			if err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

type brokenDisk struct{ io.ReaderAt }

var errIO = errors.New("input/output error")

func (brokenDisk) ReadAt([]byte, int64) (int, error) { return 0, errIO }
func (brokenDisk) Size() int64                       { return 1 << 20 }

func TestBuildReportsReadErrors(t *testing.T) {
	_, err := Build(Request{Name: "/vmlinuz", Kernel: brokenDisk{}})
	if !errors.Is(err, errIO) {
		t.Errorf("error %v, want %v", err, errIO)
	}
}

// FuzzBuild: no header makes Build panic, or plan outside RAM.
func FuzzBuild(f *testing.F) {
	f.Add(bzFile(nil)[:headSize], uint16(64), uint32(1000))
	f.Fuzz(func(t *testing.T, head []byte, ramMiB uint16, initrdSize uint32) {
		file := append(head, make([]byte, 1<<16)...)
		machine := Machine{Arch: "amd64", Memory: pvhMap(uint64(ramMiB))}
		plan, err := Build(Request{Name: "k", Kernel: bytes.NewReader(file), Machine: machine,
			Initrd: []File{{Name: "i", Data: io.NewSectionReader(nil, 0, int64(initrdSize))}}})
		if err != nil {
			return
		}
		own := []Range{{Start: 2 * mib, Size: 30 * mib, Type: RAM}}
		if _, err := NewSchedule(plan, own, machine.Memory); err != nil {
			var noRoom *NoRoomError
			if !errors.As(err, &noRoom) {
				t.Error(err)
			}
		}
	})
}
