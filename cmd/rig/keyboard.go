package main

import (
	"bytes"
	"os"

	"pvboot/internal/tty"
)

// leaveKey is Ctrl-], as in telnet and xl console.
const leaveKey = 0x1d

// keyboardOf says whether a file is a terminal, whose keys go to the domain.
func keyboardOf(in *os.File) bool { return in != nil && tty.IsTerminal(in) }

// openKeyboard passes the keys pressed on a terminal on. The channel is nil
// when in is no terminal, and closed when the user presses Ctrl-] or the
// terminal goes away. restore gives the terminal back.
func openKeyboard(in *os.File) (keys <-chan []byte, restore func() error, err error) {
	if !keyboardOf(in) {
		return nil, func() error { return nil }, nil
	}
	restore, err = tty.MakeRaw(in)
	if err != nil {
		return nil, nil, err
	}
	pressed := make(chan []byte)
	go func() {
		defer close(pressed)
		for {
			buf := make([]byte, 256)
			n, err := in.Read(buf)
			if err != nil {
				return
			}
			before, _, leave := bytes.Cut(buf[:n], []byte{leaveKey})
			if len(before) > 0 {
				pressed <- before
			}
			if leave {
				return
			}
		}
	}()
	return pressed, restore, nil
}
