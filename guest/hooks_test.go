package guest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// arguments runs initArgs on a command line and reads argv as the runtime
// does.
func arguments(line string) []string {
	start.cmdLine.n = copy(start.cmdLine.b[:], line)
	argv = [len(argv)]uintptr{}
	initArgs()
	var list []string
	for i := range argc {
		n := 0
		for *at[byte](uint64(argv[i]) + uint64(n)) != 0 {
			n++
		}
		list = append(list, string(memory(uint64(argv[i]), n)))
	}
	return list
}

func TestArguments(t *testing.T) {
	defer func() { start.cmdLine.n = 0 }()
	for _, test := range []struct {
		line string
		want []string
	}{
		{"", []string{"guest"}},
		{"  a\tb  ", []string{"guest", "a", "b"}},
		{`a="b c" 'd "e"' f''g`, []string{"guest", "a=b c", `d "e"`, "fg"}},
		{`'' ""`, []string{"guest", "", ""}},
		{`'open end`, []string{"guest", "open end"}},
	} {
		if diff := cmp.Diff(test.want, arguments(test.line)); diff != "" {
			t.Errorf("%q: %s", test.line, diff)
		}
	}
	if got := len(arguments(strings.Repeat("x ", 2047))); got != maxArgs {
		t.Errorf("%d arguments of a long line, want %d", got, maxArgs)
	}
	if argv[argc] != 0 || argv[argc+1] != 0 || argv[argc+2] != auxPageSz {
		t.Errorf("after the arguments: %v", argv[argc:argc+4])
	}
	if long := arguments(strings.Repeat("y", 4095)); len(long) != 2 || len(long[1]) != 4095 {
		t.Errorf("one long argument became %d", len(long))
	}
}

func TestTicks(t *testing.T) {
	const day = 24 * 3600
	for _, hz := range []uint64{1, 1000, 1193182, 999999999, 1000000000, 2995200000, 1 << 40} {
		clock := newTicks(12345, hz)
		if got := clock.ns(12345); got != 0 {
			t.Errorf("%d Hz: starts at %d", hz, got)
		}
		got, want := clock.ns(12345+day*hz), int64(day*1e9)
		if off := want - got; off < 0 || off > want/1e4 {
			t.Errorf("%d Hz: a day is %d ns, want %d", hz, got, want)
		}
		for i, last := uint64(1), int64(0); i < 1000; i++ {
			now := clock.ns(12345 + i*hz/100)
			if now < last {
				t.Fatalf("%d Hz: the clock goes back from %d to %d", hz, last, now)
			}
			last = now
		}
	}
	if got := newTicks(0, 0).ns(0); got != 0 { // must not divide by zero
		t.Errorf("0 Hz: starts at %d", got)
	}
}

func TestSetConsole(t *testing.T) {
	defer func() { SetConsole(nil); kept.n = 0 }()
	kept.n = 0 // in a guest, what the tests wrote so far
	output([]byte("early "))
	var got bytes.Buffer
	SetConsole(func(p []byte) { got.Write(p) })
	put("late ")
	putInt(-1 << 63)
	put(" ")
	putHex(0xbeef)
	printk('!')
	if want := "early late -9223372036854775808 000000000000beef!"; got.String() != want {
		t.Errorf("console has %q, want %q", got.String(), want)
	}
	SetConsole(nil)
	output(bytes.Repeat([]byte("x"), 2*len(kept.b)))
	got.Reset()
	SetConsole(func(p []byte) { got.Write(p) })
	if got.Len() != len(kept.b) {
		t.Errorf("%d bytes were kept, want %d", got.Len(), len(kept.b))
	}
}

func TestRandomData(t *testing.T) {
	pool = [4]uint64{1, 2, 3, 4}
	// The first outputs of xoshiro256** from this state (Blackman and Vigna).
	for i, want := range []uint64{11520, 0, 1509978240, 1215971899390074240} {
		if got := nextRandom(); got != want {
			t.Errorf("output %d is %d, want %d", i, got, want)
		}
	}
	seen := map[string]bool{}
	for n := range 40 {
		p := make([]byte, n+16)
		getRandomData(p)
		seen[string(p[:8])] = true
	}
	if len(seen) != 40 {
		t.Errorf("%d different numbers of 40", len(seen))
	}
}

// TestLinux calls what the runtime calls, with a heap of its own.
func TestLinux(t *testing.T) {
	if running {
		return // the runtime's own heap is no toy: guest_test.go uses it
	}
	ram := make([]byte, 4<<20)
	base := (uint64(addressOf(&ram[0])) + arenaSize - 1) &^ (arenaSize - 1)
	heap.init(Range{base, 3 << 20, RAM})
	defer heap.init(Range{})
	for i := range ram {
		ram[i] = 0xff
	}
	const anonymous, fixed, readWrite = 0x22, 0x32, 3
	if got := mmap(0xc000000000, 4096, readWrite, anonymous); got != -enomem {
		t.Errorf("a hint is %d, want %d", got, -enomem)
	}
	arena := mmap(0, arenaSize, 0, anonymous)
	if arena != int64(base) {
		t.Errorf("the first arena is at %#x, want %#x", arena, base)
	}
	if got := mmap(uint64(arena), 4096, readWrite, fixed); got != arena {
		t.Errorf("mapping it gives %#x", got)
	}
	if b := memory(base, 4097); !bytes.Equal(b[:4096], make([]byte, 4096)) || b[4096] != 0xff {
		t.Error("mapping does not zero exactly one page")
	}
	if got := mmap(base+3<<20, 4096, readWrite, fixed); got != -enomem {
		t.Errorf("mapping beyond the heap gives %#x", got)
	}
	table := mmap(0, 100, readWrite, anonymous)
	if table != int64(base+3<<20-4096) {
		t.Errorf("a table is at %#x, want the top %#x", table, base+3<<20-4096)
	}
	memory(base, 1)[0] = 1
	if madvise(base, 4096, 4); memory(base, 1)[0] != 0 {
		t.Error("what is not needed does not read as zero")
	}
	var said bytes.Buffer
	SetConsole(func(p []byte) { said.Write(p) })
	defer SetConsole(nil)
	said.Reset()
	if got := mmap(0, 1<<40, readWrite, anonymous); got != -enomem {
		t.Errorf("a TiB is %#x", got)
	}
	if want := "pvboot: out of memory: 1073741824 KiB wanted, 2556 KiB of the heap's 3072 KiB are free in one piece\n"; said.String() != want {
		t.Errorf("the console says %q, want %q", said.String(), want)
	}
}
