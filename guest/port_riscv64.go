package guest

// The machine's own console is a UART, and without one the firmware's.

func portThere() bool { return uart.addr != 0 && uartThere() || haveDebugConsole || havePut }

func portOpen() {
	if uart.addr != 0 {
		uartOpen()
	}
}

func portRead(p []byte) int {
	if uart.addr == 0 {
		return sbiInput(p)
	}
	return uartRead(p)
}

func portWrite(p []byte) int {
	if uart.addr == 0 {
		return sbiOutput(p)
	}
	return uartWrite(p)
}

func portIdle() bool { return uart.addr == 0 || uartIdle() }
