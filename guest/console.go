package guest

// Output goes to three places, one after the other: until a console is set it
// is kept, and written to a debug port at once; afterwards only the console
// gets it, what was kept first. In a PV domain, the console's ring takes the
// place of the debug port, and only what it has no room for is kept.

// kept holds the first output of a guest, for the console that comes later.
var kept struct {
	n int
	b [8192]byte
}

// sink is the console's writer, unless it is broken: then it has faulted.
var (
	sink   func(p []byte)
	broken bool
)

// SetConsole makes write take all output of the runtime, of os.Stdout and
// os.Stderr from now on, beginning with what was written before. A nil write
// goes back to the debug port.
//
// write is called like a signal handler: on a stack of its own (32 KiB), in the
// middle of anything, the collector included, but never while it is already
// running. It must not allocate, block on a channel or lock, use a map, or
// panic; it may make hypercalls with [hypercall.Trap], and must wait by itself
// for room, with an end to its patience. p is valid only during the call.
func SetConsole(write func(p []byte)) {
	sink = write
	if write != nil && kept.n > 0 {
		n := kept.n
		kept.n = 0
		write(kept.b[:n])
	}
}

// output writes p to whatever console there is.
func output(p []byte) {
	if sink != nil && !broken {
		sink(p)
		return
	}
	if kept.n == 0 {
		if p = p[ringOutput(p):]; len(p) == 0 {
			return
		}
	}
	kept.n += copy(kept.b[kept.n:], p)
	portOutput(p)
}

// one is printk's buffer.
var one [1]byte

// printk writes one byte.
func printk(c byte) {
	one[0] = c
	output(one[:])
}

// put writes s without allocating.
func put(s string) {
	for i := 0; i < len(s); {
		n := copy(scratch[:], s[i:])
		output(scratch[:n])
		i += n
	}
}

// scratch is put's buffer.
var scratch [128]byte

const digits = "0123456789abcdef"

// putHex writes v as 16 hexadecimal digits.
func putHex(v uint64) {
	var b [16]byte
	for i := range b {
		b[i] = digits[v>>(60-4*i)&15]
	}
	n := copy(scratch[:], b[:])
	output(scratch[:n])
}

// putInt writes v in decimal.
func putInt(v int64) {
	var b [20]byte
	i := len(b)
	u := uint64(v)
	if v < 0 {
		u = -u
	}
	for {
		i--
		b[i] = digits[u%10]
		if u /= 10; u == 0 {
			break
		}
	}
	if v < 0 {
		put("-")
	}
	n := copy(scratch[:], b[i:])
	output(scratch[:n])
}

// die ends the guest with one line that says why.
func die(why string) {
	put("pvboot: ")
	put(why)
	put("\n")
	exit(exitCrash)
}

// dieNumber is die with a number at the end of the line.
func dieNumber(why string, n int64) {
	put("pvboot: ")
	put(why)
	putInt(n)
	put("\n")
	exit(exitCrash)
}
