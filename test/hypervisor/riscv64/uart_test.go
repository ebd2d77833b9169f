package riscv64

import (
	"bytes"
	"testing"
)

func TestUART(t *testing.T) {
	var out bytes.Buffer
	keys := []byte("k\xff")
	u := &uart{out: &out, key: func() (byte, bool) {
		if len(keys) == 0 {
			return 0, false
		}
		k := keys[0]
		keys = keys[1:]
		return k, true
	}}
	var x [32]uint64
	load := func(reg uint64, signed bool) uint64 {
		if !u.mmio(uartAddr+reg, access{size: 1, signed: signed, reg: 10}, &x) {
			t.Errorf("no register %d", reg)
		}
		return x[10]
	}
	store := func(reg, v uint64) {
		x[11] = v
		if !u.mmio(uartAddr+reg, access{store: true, size: 1, reg: 11}, &x) {
			t.Errorf("no register %d", reg)
		}
	}
	// As Linux sets it up: the divisor behind its bit, which is not sent.
	store(uartLCR, lcrDivisor|3)
	store(0, 12)
	store(1, 1)
	if load(0, false) != 12 || load(1, false) != 1 {
		t.Error("divisor")
	}
	store(uartLCR, 3)
	store(uartSCR, 0x5a)
	store(uartIIR, 1) // FIFO control
	if load(uartLCR, false) != 3 || load(uartSCR, false) != 0x5a || load(uartMSR, false) != msrThere {
		t.Error("registers")
	}
	store(uartMCR, mcrLoop)
	store(uartData, 'l')
	store(uartMCR, 0xff&^mcrLoop)
	store(uartData, 'x')
	if out.String() != "x" || load(uartMCR, false) != 0xf {
		t.Errorf("sent %q", out.String())
	}
	if load(uartIIR, false) != iirFIFO|iirNone {
		t.Error("an interrupt that is not enabled")
	}
	store(uartIER, ierReceived|ierEmpty|0xf0)
	if load(uartIER, false) != ierReceived|ierEmpty || load(uartIIR, false) != iirFIFO|iirReceived || load(uartLSR, false) != lsrEmpty|lsrReady {
		t.Error("a key is not seen")
	}
	if load(uartData, false) != 'k' || load(uartData, true) != ^uint64(0) {
		t.Error("keys")
	}
	if load(uartLSR, false) != lsrEmpty || load(uartIIR, false) != iirFIFO|iirEmpty {
		t.Error("no more keys")
	}
	if load(100, false) != 0 {
		t.Error("a register that is none")
	}
	if u.mmio(uartAddr-1, access{}, &x) || u.mmio(uartAddr+uartSize, access{}, &x) {
		t.Error("a device where there is none")
	}
	if u.mmio(uartAddr, access{size: 1, reg: 0}, &x); x[0] != 0 {
		t.Error("x0")
	}
}
