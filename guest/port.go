package guest

import "errors"

// ErrNoPort means that the machine has no console of its own that this package
// knows.
var ErrNoPort = errors.New("guest: the machine has no serial port")

// Port is the machine's own console, where there is no Xen to have one: a UART,
// or what the firmware reads and writes bytes by. Nothing here waits, and no
// interrupt is used.
type Port struct{}

// OpenPort returns the machine's own console. What the program has printed so
// far went there already and is not kept for [SetConsole].
func OpenPort() (*Port, error) {
	if !running || !portThere() {
		return nil, ErrNoPort
	}
	portOpen()
	kept.n = 0
	return &Port{}, nil
}

// Read takes the input that has come, up to len(p) bytes.
func (*Port) Read(p []byte) int { return portRead(p) }

// Write puts out as much of p as there is room for. It may be called in the middle
// of anything.
func (*Port) Write(p []byte) int { return portWrite(p) }

// Idle reports whether all output has left.
func (*Port) Idle() bool { return portIdle() }

// portTries is how often early output looks for room for a byte, before it goes on
// without.
const portTries = 10000

// portPut writes all of p by the machine's own console.
func portPut(p []byte) {
	for tries := 0; len(p) > 0; {
		n := portWrite(p)
		if n == 0 && tries < portTries {
			tries++
			relax()
			continue
		}
		p, tries = p[max(n, 1):], 0
	}
}
