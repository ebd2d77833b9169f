//go:build amd64 || riscv64

package guest

// A 16550 (National Semiconductor PC16550D data sheet, table II), by loadUART and
// storeUART. Speed and format stay as the firmware left them.
const (
	uartData   = 0
	uartFIFO   = 2
	fifoEnable = 1 << 0
	uartLine   = 5
	lineData   = 1 << 0 // a byte has come
	lineBreak  = 1 << 4 // and it stands for a break
	lineRoom   = 1 << 5
	lineIdle   = 1 << 6
	lineAbsent = 0xff // what reads where there is no UART
)

func uartThere() bool { return loadUART(uartLine) != lineAbsent }

// uartOpen turns the queues on, so that the bytes of a key that is more than one
// come together.
func uartOpen() { storeUART(uartFIFO, fifoEnable) }

func uartRead(p []byte) (n int) {
	// A break could come for ever where there is something else.
	for tries := 0; n < len(p) && tries < len(p); tries++ {
		line := loadUART(uartLine)
		if line&lineData == 0 || line == lineAbsent {
			break
		}
		c := loadUART(uartData)
		if line&lineBreak == 0 {
			p[n] = c
			n++
		}
	}
	return n
}

func uartWrite(p []byte) (n int) {
	for n < len(p) && loadUART(uartLine)&lineRoom != 0 {
		storeUART(uartData, p[n])
		n++
	}
	return n
}

func uartIdle() bool { return loadUART(uartLine)&lineIdle != 0 }
