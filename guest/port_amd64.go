package guest

import "pvboot/arch/amd64"

// The first serial port of a PC, a 16550 (National Semiconductor PC16550D data
// sheet, table II). Speed and format stay as the firmware left them.
const (
	com1       = 0x3f8
	com1Line   = com1 + 5
	lineData   = 1 << 0 // a byte has come
	lineBreak  = 1 << 4 // and it stands for a break
	lineRoom   = 1 << 5
	lineIdle   = 1 << 6
	lineAbsent = 0xff // what a port reads as where there is none
)

func portThere() bool { return !amd64.PV() && amd64.In8(com1Line) != lineAbsent }

func portRead(p []byte) (n int) {
	// A break could come for ever where there is something else at the port.
	for tries := 0; n < len(p) && tries < len(p); tries++ {
		line := amd64.In8(com1Line)
		if line&lineData == 0 || line == lineAbsent {
			break
		}
		c := amd64.In8(com1)
		if line&lineBreak == 0 {
			p[n] = c
			n++
		}
	}
	return n
}

func portWrite(p []byte) (n int) {
	for n < len(p) && amd64.In8(com1Line)&lineRoom != 0 {
		amd64.Out8(com1, p[n])
		n++
	}
	return n
}

func portIdle() bool { return amd64.In8(com1Line)&lineIdle != 0 }
