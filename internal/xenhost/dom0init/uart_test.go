package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/internal/xenhost/wire"
)

// logged returns the lines that what a UART says makes in the log.
func logged(t *testing.T, pieces ...string) []string {
	t.Helper()
	var out bytes.Buffer
	r, w := io.Pipe()
	go func() {
		for _, p := range pieces {
			if _, err := io.WriteString(w, p); err != nil {
				t.Error(err)
			}
		}
		w.Close()
	}()
	logLines(wire.NewConn(&out), r)
	var lines []string
	conn := wire.NewConn(&out)
	for {
		kind, payload, err := conn.Read()
		if errors.Is(err, io.EOF) {
			return lines
		}
		if err != nil || kind != wire.Log {
			t.Fatalf("frame %q, %v", kind, err)
		}
		lines = append(lines, string(payload))
	}
}

func TestLogLines(t *testing.T) {
	long := strings.Repeat("x", uartLine)
	for _, c := range []struct {
		pieces, want []string
	}{
		{nil, nil},
		{[]string{"one\r\ntwo\n"}, []string{"vuart: one", "vuart: two"}},
		{[]string{"o", "n", "e\n", "A"}, []string{"vuart: one", "vuart: A"}},
		{[]string{"\n\n"}, []string{"vuart: ", "vuart: "}},
		{[]string{"a", long, "b\n"}, []string{"vuart: a" + long, "vuart: b"}},
	} {
		if diff := cmp.Diff(c.want, logged(t, c.pieces...)); diff != "" {
			t.Errorf("%.20q (-want +got):\n%s", c.pieces, diff)
		}
	}
}

// Letters without an end of line are logged before the UART ends: a program
// that hangs writes no more.
func TestLogLinesIdle(t *testing.T) {
	uart, guest := io.Pipe()
	host, dom0 := io.Pipe()
	go logLines(wire.NewConn(struct {
		io.Reader
		io.Writer
	}{nil, dom0}), uart)
	go func() { _, _ = io.WriteString(guest, "AB") }()
	kind, payload, err := wire.NewConn(struct {
		io.Reader
		io.Writer
	}{host, nil}).Read()
	if err != nil || kind != wire.Log || string(payload) != "vuart: AB" {
		t.Errorf("frame %q %q, %v", kind, payload, err)
	}
}
