package openfirmware

import (
	"encoding/binary"
	"testing"

	"pvboot/internal/fdt"
)

// FuzzFlatten has firmware answer with any numbers and write anything to the memory
// that it is given: the tree is one that can be read, or there is a reason.
func FuzzFlatten(f *testing.F) {
	f.Add([]byte{}, uint16(4096))
	f.Add([]byte{0, 0, 0, 1, 0, 0, 0, 2, 'a', 0, 0, 0, 1, 0, 0, 0, 4}, uint16(8192))
	f.Add([]byte{0, 0, 0, 1, 0, 0, 0, 1, 'x', '/', 'y', 0, 0, 0, 0, 3}, uint16(60000))
	f.Fuzz(func(t *testing.T, answers []byte, size uint16) {
		memory := make([]byte, size)
		next := func() uint32 {
			var b [4]byte
			answers = answers[copy(b[:], answers):]
			return binary.BigEndian.Uint32(b[:])
		}
		c := &Client{Base: testBase, Memory: memory}
		c.Call = func(uint64) {
			args := binary.BigEndian.Uint32(memory[4:])
			results := binary.BigEndian.Uint32(memory[8:])
			for i := range results {
				binary.BigEndian.PutUint32(memory[4*(3+args+i):], next())
			}
			// What looks like a buffer is filled.
			for i := uint32(0); i+1 < args; i++ {
				addr, n := binary.BigEndian.Uint32(memory[4*(3+i):])-testBase, binary.BigEndian.Uint32(memory[4*(4+i):])
				if addr >= atNext && uint64(addr) < uint64(len(memory)) && n <= maxPath && uint64(addr)+uint64(n) <= uint64(len(memory)) {
					copy(memory[addr:addr+n], answers)
				}
			}
			if args > 0 {
				if addr := binary.BigEndian.Uint32(memory[4*(2+args):]) - testBase; addr == atNext {
					copy(memory[addr:addr+maxName], answers)
				}
			}
		}
		var rtas RTAS
		if len(memory) >= 2*atTree {
			rtas = c.Instantiate()
			if rtas.Size > 0 && (rtas.Start >= 1<<32 || rtas.Size > 64<<20) {
				t.Fatalf("RTAS %+v", rtas)
			}
		}
		flat, why := c.Flatten(Chosen{RTAS: rtas})
		if why == "" && len(flat) > len(memory)-atTree {
			t.Fatalf("a tree of %d bytes in %d", len(flat), len(memory))
		}
		if n, ok := fdt.Size(flat); why == "" && (!ok || n != len(flat)) {
			t.Fatalf("a tree of %d bytes says %d, %v", len(flat), n, ok)
		}
	})
}
