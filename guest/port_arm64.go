package guest

import "pvboot/arch/arm64"

// Registers of the PL011 (Arm DDI 0183, chapter 3) and of SBSA's UART. Speed and
// format stay as the firmware left them.
const (
	uartData  = 0x00
	dataBreak = 1 << 10 // what has come stands for a break
	uartFlag  = 0x18
	flagBusy  = 1 << 3 // output is leaving
	flagEmpty = 1 << 4 // no byte has come
	flagFull  = 1 << 5 // no room for a byte

	uartFormat  = 0x2c
	formatFIFO  = 1 << 4
	uartControl = 0x30
)

func portThere() bool { return uart != 0 }

// portOpen turns the queues on, so that the bytes of a key that is more than one
// come together. The format may not change while the UART is enabled. SBSA's has
// neither register, and its queues always on.
func portOpen() {
	format := arm64.Load32(uart + uartFormat)
	if format&formatFIFO != 0 {
		return
	}
	control := arm64.Load32(uart + uartControl)
	arm64.Store32(uart+uartControl, 0)
	arm64.Store32(uart+uartFormat, format|formatFIFO)
	arm64.Store32(uart+uartControl, control)
}

func portRead(p []byte) (n int) {
	// A break could come for ever where there is nothing behind the registers.
	for tries := 0; n < len(p) && tries < len(p); tries++ {
		if arm64.Load32(uart+uartFlag)&flagEmpty != 0 {
			break
		}
		if c := arm64.Load32(uart + uartData); c&dataBreak == 0 {
			p[n] = byte(c)
			n++
		}
	}
	return n
}

func portWrite(p []byte) (n int) {
	for n < len(p) && arm64.Load32(uart+uartFlag)&flagFull == 0 {
		arm64.Store32(uart+uartData, uint32(p[n]))
		n++
	}
	return n
}

func portIdle() bool { return arm64.Load32(uart+uartFlag)&flagBusy == 0 }
