package guest

import "pvboot/arch/amd64"

// com1 is the first serial port of a PC.
const com1 = 0x3f8

func portThere() bool { return !amd64.PV() && uartThere() }

func portOpen() { uartOpen() }

func portRead(p []byte) int { return uartRead(p) }

func portWrite(p []byte) int { return uartWrite(p) }

func portIdle() bool { return uartIdle() }

func loadUART(register uint16) uint8 { return amd64.In8(com1 + register) }

func storeUART(register uint16, value uint8) { amd64.Out8(com1+register, value) }
