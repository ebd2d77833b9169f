package image

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"pvboot/internal/golden"
	"pvboot/internal/xennote"
)

// payloadKernel is what the compressed kernels of the tests hold. With its
// notes at the end it has what Linux has: headers first, notes far behind.
func payloadKernel() testELF {
	return pvELF(func(e *testELF) { e.loads[0].FileSize, e.loads[0].MemSize = 300_000, 300_000 })
}

// pvBzFile is a bzImage with a payload; size is what the word behind it says,
// -1 for no such word.
func pvBzFile(version string, payload []byte, size int) []byte {
	const offset, text = 0x300, 0x2a0
	f := bzFile(func(h []byte) { clear(h[4*512:]) })
	le := binary.LittleEndian
	f = append(f[:4*512+offset], payload...)
	if size >= 0 {
		f = le.AppendUint32(f, uint32(size))
	}
	le.PutUint32(f[hdrPayloadOffset:], offset)
	le.PutUint32(f[hdrPayloadLength:], uint32(len(f)-4*512-offset))
	if version != "" {
		le.PutUint16(f[hdrKernelVersion:], text-0x200)
		copy(f[text:], version+" (builder@host)\x00")
	}
	return append(f, "code that unpacks it"...)
}

// payloads are the kernel in every compression, as the kernel's makefiles
// have it (scripts/Makefile.lib).
func payloads(t testing.TB) map[string][]byte {
	elf := payloadKernel().bytes(t)
	packed := func(ext string, tool ...string) []byte {
		return pvBzFile("6.1.0-13-amd64", golden.Output(t, "pv-kernel."+ext, elf, tool...), len(elf))
	}
	return map[string][]byte{
		"plain": pvBzFile("6.1.0-13-amd64", elf, -1),
		"gzip":  pvBzFile("6.1.0-13-amd64", golden.Output(t, "pv-kernel.gz", elf, "gzip", "-nc", "-9"), -1),
		"xz":    packed("xz", "xz", "-zc", "--check=crc32", "--x86", "--lzma2=dict=32MiB"),
		"zstd":  packed("zst", "zstd", "-c", "-q", "-22", "--ultra"),
		"lz4":   packed("lz4", "lz4", "-lc", "-9"),
		"lzma":  packed("lzma", "xz", "-zc", "--format=lzma"),
		"lzo":   packed("lzo", "lzop", "-c", "-9"),
		"bzip2": packed("bz2", "bzip2", "-zc", "-9"),
	}
}

func TestPVPayloads(t *testing.T) {
	e := payloadKernel()
	for name, file := range payloads(t) {
		t.Run(name, func(t *testing.T) {
			plan := mustPVBuild(t, file, Request{Machine: pvMachine(64)})
			if want := "PV bzImage 2.15 (" + name + ")"; plan.Kind != want {
				t.Errorf("kind %q, want %q", plan.Kind, want)
			}
			s, got, err := loadKernel(plan, 5000)
			if err != nil {
				t.Fatal(err)
			}
			if s.Whole == (name == "plain") {
				t.Errorf("whole: %v", s.Whole)
			}
			if !bytes.Equal(got, e.memoryOf(s.Addr, s.Size)) {
				t.Error("memory differs")
			}
			if plan.Entry.PC != linuxBase+18*mib+0x1c0 {
				t.Errorf("entry %#x", plan.Entry.PC)
			}
			d := finish(t, plan)
			if err := d.walk(plan.PV); err != nil {
				t.Error(err)
			}
			checkSegments(t, plan)
		})
	}
}

// A kernel that is compressed as a whole, too, if the file says how long it
// is. In those that do not it is refused.
func TestPVPackedFiles(t *testing.T) {
	e := payloadKernel()
	elf := e.bytes(t)
	known := map[string]bool{"gz": true, "xz": true, "zst": true}
	for ext, tool := range map[string]string{"gz": "gzip", "xz": "xz", "zst": "zstd", "lz4": "lz4", "lzma": "lzma", "lzo": "lzo", "bz2": "bzip2"} {
		file := golden.Output(t, "pv-file."+ext, elf, map[string][]string{
			"gz":  {"gzip", "-nc", "-9"},
			"xz":  {"xz", "-zc", "--block-size=100000"},
			"zst": {"zstd", "-c", "-q", "--stream-size=" + fmt.Sprint(len(elf))},
			"lz4": {"lz4", "-lc"}, "lzma": {"xz", "-zc", "--format=lzma"}, "lzo": {"lzop", "-c"}, "bz2": {"bzip2", "-zc"},
		}[ext]...)
		plan, err := pvBuild(t, file, Request{Machine: pvMachine(64)})
		if !known[ext] {
			if want := "/vmlinux: ELF: " + tool + ": the file does not say how long it is unpacked, unpack it first"; err == nil || err.Error() != want {
				t.Errorf("%s: error %v, want %q", ext, err, want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", ext, err)
			continue
		}
		if want := "PV ELF64 (" + tool + ")"; plan.Kind != want {
			t.Errorf("kind %q, want %q", plan.Kind, want)
		}
		if s, got, err := loadKernel(plan, 0); err != nil || !bytes.Equal(got, e.memoryOf(s.Addr, s.Size)) {
			t.Errorf("%s: memory differs, %v", ext, err)
		}
	}
}

// A Linux whose version is old or unknown is looked into before, and may
// have other notes; the result is the same.
func TestPVVersions(t *testing.T) {
	e := payloadKernel()
	other := payloadKernel()
	without(xennote.InitP2M, xennote.ModStartPFN)(&other)
	stub := payloadKernel()
	stub.notes = append(stub.notes, xennote.Note{Type: xennote.HypercallPage, Number: linuxBase + 16*mib + 8192})
	far := payloadKernel()
	far.notes = append(far.notes, xennote.Note{Type: xennote.HypercallPage, Number: linuxBase + 32*mib})
	const unusual = "its notes ask for another memory layout than Linux's usual one, unpack it first"
	for _, tt := range []struct {
		name, version string
		elf           testELF
		want          string
	}{
		{"today", "6.1.0-13-amd64", e, ""},
		{"today, hypercalls", "6.1.0", stub, ""},
		{"today, hypercalls far away", "6.1.0", far, "HYPERCALL_PAGE 0xffffffff82000000 is outside the kernel"},
		{"today, other notes", "6.1.0", other, unusual},
		{"today, no PV", "6.1.0", pvELF(without(xennote.Entry)), "not a PV kernel: no ENTRY note, only PHYS32_ENTRY, for PVH domains"},
		{"today, bad entry", "6.1.0", pvELF(setNote(xennote.Entry, 5)), "the entry 0x5 is outside the kernel, 0xffffffff81000000-0xffffffff81300005"},
		{"old", "3.2.0-4-amd64", e, ""},
		{"old, hypercalls", "3.2.0", stub, ""},
		{"old, other notes", "3.2.0", other, ""},
		{"no version", "", other, ""},
		{"odd version", "generic", other, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, pack := range []func([]byte) []byte{gzipped, zstded} {
				elf := tt.elf.bytes(t)
				payload, size := pack(elf), len(elf)
				if payload[0] == 0x1f {
					size = -1
				}
				plan := mustPVBuild(t, pvBzFile(tt.version, payload, size), Request{Initrd: []File{initrd("i", 9)}, Machine: pvMachine(64)})
				s, got, err := loadKernel(plan, 0)
				if tt.want != "" {
					if err == nil || err.Error() != "/vmlinux: bzImage: "+tt.want {
						t.Errorf("error %v, want %q", err, tt.want)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				want := tt.elf.memoryOf(s.Addr, s.Size)
				if strings.Contains(tt.name, "hypercalls") {
					copy(want[16*mib+8192-s.Addr:], hypercallPage())
				}
				if !bytes.Equal(got, want) {
					t.Error("memory differs")
				}
				if plan.Entry.PC != linuxBase+18*mib+0x1c0 {
					t.Errorf("entry %#x", plan.Entry.PC)
				}
				d := finish(t, plan)
				if err := d.walk(plan.PV); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// Whatever is wrong with a payload is told, at once or when it is unpacked.
func TestPVBadPayloads(t *testing.T) {
	good := payloadKernel().bytes(t)
	size := len(good)
	spoil := func(at int, b ...byte) []byte {
		f := bytes.Clone(good)
		copy(f[at:], b)
		return f
	}
	narrow := pvELF(func(e *testELF) { e.bits, e.machine = 32, elf386 }).bytes(t)
	bomb := append(bytes.Clone(good), make([]byte, 40*mib)...)
	cut := func(b []byte, n int) []byte { return b[:len(b)-n] }
	isize := func(b []byte, n uint32) []byte {
		b = bytes.Clone(b)
		binary.LittleEndian.PutUint32(b[len(b)-4:], n)
		return b
	}
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"zstd truncated", pvBzFile("6.1", cut(zstded(good), 9), size), "zstd: unexpected EOF"},
		{"zstd too short", pvBzFile("6.1", zstded(good), size+1), fmt.Sprintf("zstd: unpacks to %d bytes and should to %d", size, size+1)},
		{"zstd too long", pvBzFile("6.1", zstded(good), size-1), fmt.Sprintf("zstd: unpacks to more than it should, %d bytes", size-1)},
		{"zstd bomb", pvBzFile("6.1", zstded(bomb), size), fmt.Sprintf("zstd: unpacks to more than it should, %d bytes", size)},
		{"zstd of gigabytes", pvBzFile("6.1", zstded(good), 3<<30), "zstd: unpacks to 3221225472 bytes: absurd"},
		{"zstd larger than the domain", pvBzFile("6.1", zstded(good), 600*mib), "kernel: no room for "},
		{"zstd of nothing", pvBzFile("6.1", zstded(good), 0), "zstd: unpacks to 0 bytes: absurd"},
		{"gzip truncated", pvBzFile("6.1", append(gzipped(good)[:1000], make([]byte, 4)...), -1), "gzip: unpacks to 0 bytes: absurd"},
		{"gzip cut", pvBzFile("6.1", isize(gzipped(good)[:1000], uint32(size)), -1), "gzip: unexpected EOF"},
		{"gzip bomb", pvBzFile("6.1", isize(gzipped(bomb), uint32(size)), -1), fmt.Sprintf("gzip: unpacks to more than it should, %d bytes", size)},
		{"gzip too short", pvBzFile("6.1", isize(gzipped(good), uint32(size+9)), -1), "gzip: checksum mismatch"},
		{"gzip checksum", pvBzFile("6.1", isize(cut(append(gzipped(good)[:len(gzipped(good))-8], make([]byte, 8)...), 0), uint32(size)), -1), "gzip: checksum mismatch"},
		{"gzip in a header", pvBzFile("3.2", gzipped(good)[:60], -1), "gzip: unpacks to "},
		{"zstd in a header", pvBzFile("3.2", zstded(good)[:30], size), "ELF header: read at 0: zstd: unexpected EOF"},
		{"no ELF", pvBzFile("6.1", zstded(bytes.Repeat([]byte("text"), 2000)), 8000), "not a little-endian ELF file"},
		{"32-bit", pvBzFile("6.1", zstded(narrow), len(narrow)), "not a PV kernel: it is a 32-bit kernel, and only the toolstack can make a domain 32-bit"},
		{"ELF headers far away", pvBzFile("6.1", zstded(spoil(32, 0, 0, 0, 0x04)), 1<<29), "program headers: read at 67108864: zstd: headers or notes that end at byte 67109144 are beyond the first 33554432, unpack it first"},
		{"ELF headers nowhere", pvBzFile("6.1", zstded(spoil(32, 0xff, 0xff, 0xff, 0xff, 0xff)), size), "truncated: program headers: 280 bytes at "},
		{"segment nowhere", pvBzFile("6.1", zstded(spoil(64+32, 0xff, 0xff, 0xff, 0xff)), size), "program header 0: 4294967295 bytes of file for "},
		{"notes nowhere", pvBzFile("6.1", zstded(spoil(64+4*56+8, 0xff, 0xff, 0xff, 0)), size), "program header 4: truncated: notes: "},
		{"notes far away", pvBzFile("3.2", zstded(spoil(64+4*56+8, 0xff, 0xff, 0xff, 0x7f)), 1<<29), "program header 4: truncated: notes: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := Request{Name: "/vmlinux", Kernel: bytes.NewReader(tt.file), Machine: pvMachine(128)}
			plan, err := Build(req)
			if err == nil {
				_, _, err = loadKernel(plan, 0)
				if plan.Entry.PC != 0 {
					t.Errorf("entry %#x", plan.Entry.PC)
				}
			}
			if err == nil || !strings.HasPrefix(err.Error(), "/vmlinux: bzImage: "+tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// Unpacking takes no memory besides the kernel's own.
func TestPVUnpackMemory(t *testing.T) {
	for name, file := range payloads(t) {
		plan := mustPVBuild(t, file, Request{Machine: pvMachine(64)})
		s := plan.Segments[1]
		b := make([]byte, s.Size)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := s.Data.ReadAt(b, 0); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 8<<20 {
			t.Errorf("%s: %d bytes allocated", name, got)
		}
	}
}

// Where memory is short, what goes onto the heap is less than it, and what is
// unpacked to its place is not concerned.
func TestPVShortOfMemory(t *testing.T) {
	elf := payloadKernel().bytes(t)
	old, today := pvBzFile("4.9", zstded(elf), len(elf)), pvBzFile("6.1", zstded(elf), len(elf))
	machine := pvMachine(64)
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(400_000))
	_, err := pvBuild(t, old, Request{Machine: machine})
	if want := "are beyond the first 200000, unpack it first"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	if _, _, err := loadKernel(mustPVBuild(t, today, Request{Machine: machine}), 0); err != nil {
		t.Error(err)
	}
}

// FuzzPV: no file makes Build panic, or plan outside RAM, or load a kernel
// that is not there.
func FuzzPV(f *testing.F) {
	small := func(e *testELF) {
		for i := range e.loads {
			e.loads[i].FileSize = 50
		}
	}
	elf := pvELF(small).bytes(f)
	f.Add(elf, uint16(64), uint16(1000))
	f.Add(miniELF(func(e *testELF) { small(e); e.sections = true }).bytes(f), uint16(64), uint16(0))
	f.Add(pvELF(func(e *testELF) { small(e); e.bits, e.machine = 32, elf386 }).bytes(f), uint16(64), uint16(0))
	f.Add(miniELF(func(e *testELF) { small(e); withSymbols(e) }).bytes(f), uint16(64), uint16(0))
	f.Add(gzipped(pvELF(func(e *testELF) { small(e); withSymbols(e) }).bytes(f)), uint16(64), uint16(0))
	f.Add(pvBzFile("6.1", elf, -1), uint16(64), uint16(9))
	f.Add(pvBzFile("3.2", gzipped(elf), -1), uint16(64), uint16(0))
	f.Add(pvBzFile("6.1", zstded(elf), len(elf)), uint16(64), uint16(0))
	f.Fuzz(func(t *testing.T, file []byte, ramMiB, initrdSize uint16) {
		req := Request{Name: "k", Kernel: bytes.NewReader(file), CmdLine: "x", Machine: pvMachine(uint64(ramMiB % 80)),
			Initrd: []File{initrd("i", int(initrdSize))}}
		plan, err := Build(req)
		if err != nil {
			return
		}
		checkSegments(t, plan)
		_, _, err = loadKernel(plan, 1<<20)
		d := newPVDomain(req.Machine.PV.Pages)
		if err2 := plan.PV.Finish(d.frame, d.page); (err == nil) != (err2 == nil) && plan.PV.start.kernel != nil {
			t.Errorf("loading: %v; finishing: %v", err, err2)
		} else if err2 != nil {
			return
		}
		if err := d.walk(plan.PV); err != nil {
			t.Error(err)
		}
	})
}
