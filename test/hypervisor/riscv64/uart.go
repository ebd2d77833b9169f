package riscv64

import (
	"io"

	"pvboot/xen/xentest/hypervisor"
)

// Kernels without a driver for Xen's console find a 16550 (National Semiconductor
// PC16550D, chapter 8), without an interrupt. It is always ready to send.

// Where it is, as on QEMU's machine "virt".
const (
	uartAddr = 0x10000000
	uartSize = 0x100
	uartHz   = 3686400
)

// Registers; 0 and 1 are the divisor while lcrDivisor is set.
const (
	uartData = 0 // received byte, byte to send
	uartIER  = 1
	uartIIR  = 2 // FIFO control when written
	uartLCR  = 3
	uartMCR  = 4
	uartLSR  = 5
	uartMSR  = 6
	uartSCR  = 7
)

const (
	ierReceived = 1 << 0
	ierEmpty    = 1 << 1
	iirNone     = 1 << 0
	iirEmpty    = 1 << 1
	iirReceived = 1 << 2
	iirFIFO     = 3 << 6
	lcrDivisor  = 1 << 7
	mcrLoop     = 1 << 4
	lsrReady    = 1 << 0
	lsrEmpty    = 3 << 5 // holding register and transmitter
	msrThere    = 0xb0   // carrier, data set ready, clear to send
)

// uart is the device.
type uart struct {
	out io.Writer
	key func() (byte, bool)

	received bool // data holds a byte
	data     byte
	ier      byte
	lcr, mcr byte
	scratch  byte
	divisor  [2]byte
}

// poll takes a key when there is room for it.
func (u *uart) poll() {
	if !u.received {
		u.data, u.received = u.key()
	}
}

// load reads a register.
func (u *uart) load(reg uint64) byte {
	switch {
	case reg < 2 && u.lcr&lcrDivisor != 0:
		return u.divisor[reg]
	case reg == uartData:
		u.poll()
		u.received = false
		return u.data
	case reg == uartIER:
		return u.ier
	case reg == uartIIR:
		u.poll()
		switch {
		case u.received && u.ier&ierReceived != 0:
			return iirFIFO | iirReceived
		case u.ier&ierEmpty != 0:
			return iirFIFO | iirEmpty
		}
		return iirFIFO | iirNone
	case reg == uartLCR:
		return u.lcr
	case reg == uartMCR:
		return u.mcr
	case reg == uartLSR:
		u.poll()
		if u.received {
			return lsrEmpty | lsrReady
		}
		return lsrEmpty
	case reg == uartMSR:
		return msrThere
	case reg == uartSCR:
		return u.scratch
	}
	return 0
}

// store writes a register.
func (u *uart) store(reg uint64, v byte) {
	switch {
	case reg < 2 && u.lcr&lcrDivisor != 0:
		u.divisor[reg] = v
	case reg == uartData && u.mcr&mcrLoop == 0:
		_, _ = u.out.Write([]byte{v}) // nobody can be told
	case reg == uartIER:
		u.ier = v & 0xf
	case reg == uartLCR:
		u.lcr = v
	case reg == uartMCR:
		u.mcr = v & 0x1f
	case reg == uartSCR:
		u.scratch = v
	}
}

// uartNode is the device in the device tree.
var uartNode = hypervisor.Props{
	{Name: "compatible", Value: "ns16550a"}, {Name: "reg", Value: [2]uint64{uartAddr, uartSize}},
	{Name: "clock-frequency", Value: uint32(uartHz)},
	// Linux polls a port without an interrupt once a tick, and sends that much.
	{Name: "fifo-size", Value: uint32(64)}, {Name: "tx-threshold", Value: uint32(1)},
}

// mmio carries out a load or store of the guest's; false where there is no device.
func (u *uart) mmio(addr uint64, a access, x *[32]uint64) bool {
	if addr < uartAddr || addr >= uartAddr+uartSize {
		return false
	}
	reg := addr - uartAddr
	if a.store {
		u.store(reg, byte(x[a.reg]))
		return true
	}
	v := uint64(u.load(reg))
	if a.signed && a.size == 1 {
		v = uint64(int64(int8(v)))
	}
	if a.reg != 0 {
		x[a.reg] = v
	}
	return true
}
