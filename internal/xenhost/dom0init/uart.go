package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"pvboot/internal/xenhost/wire"
)

// uartIdle is how long the rest of a line may take until what there is of it
// goes to the log: a program that dies early may have written a few letters.
const uartIdle = 500 * time.Millisecond

// uartLine is the length at which a line is cut, in bytes.
const uartLine = 1024

// followUART passes on to the log what an arm64 domain writes to its emulated
// UART, when xl's vuart="sbsa_uart" has given it one.
func (d *domain) followUART(conn *wire.Conn, store *store) error {
	path := "/local/domain/" + d.id + "/vuart/0"
	if _, err := store.Read(path); errors.Is(err, errNoEntry) {
		return nil
	}
	name, err := store.WaitFor(path+"/tty", ttyWait)
	if err != nil {
		return err
	}
	uart, err := openConsole(name)
	if err != nil {
		return err
	}
	go func() {
		defer uart.Close()
		logLines(conn, uart)
	}()
	return nil
}

// logLines passes on to the log what a UART says, line by line, until its end.
func logLines(conn *wire.Conn, uart io.Reader) {
	pieces := make(chan []byte)
	go func() {
		defer close(pieces)
		for {
			buf := make([]byte, uartLine)
			n, err := uart.Read(buf)
			if n > 0 {
				pieces <- buf[:n]
			}
			if err != nil {
				return
			}
		}
	}()
	log := func(line []byte) {
		_ = conn.Write(wire.Log, fmt.Appendf(nil, "vuart: %s", bytes.TrimRight(line, "\r\n")))
	}
	var line []byte
	for {
		var idle <-chan time.Time
		if len(line) > 0 {
			idle = time.After(uartIdle)
		}
		select {
		case piece, ok := <-pieces:
			if !ok {
				if len(line) > 0 {
					log(line)
				}
				return
			}
			for b := range bytes.Lines(piece) {
				line = append(line, b...)
				if bytes.HasSuffix(b, []byte("\n")) || len(line) >= uartLine {
					log(line)
					line = nil
				}
			}
		case <-idle:
			log(line)
			line = nil
		}
	}
}
