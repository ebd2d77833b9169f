// Package wire is what the rig on the host and the init process of dom0 say
// to each other, over one virtio-serial port: frames of a type, a length and
// a payload, which is JSON or the bytes of a domain's console. One port
// carries all, so that what a domain printed and how it ended stay in order.
//
// The host sends Start, Input, Destroy, Inspect and List; dom0 sends the rest.
package wire

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Type says what a frame is.
type Type byte

const (
	Start   Type = 'S' // Job: create and unpause a domain
	Input   Type = 'I' // bytes for the domain's console
	Destroy Type = 'D' // end the domain
	Inspect Type = 'X' // say where the domain is
	List    Type = 'L' // say what xenstore holds about the domain

	Ready    Type = 'r' // dom0 is up
	Creating Type = 'c' // xl create starts
	Created  Type = 'C' // the domain exists and is paused
	Unpause  Type = 'u' // xl unpause starts
	Output   Type = 'o' // bytes from the domain's console
	Log      Type = 'l' // a line of xl or of dom0's init
	Ended    Type = 'e' // End: the domain is gone; the next may start
	Where    Type = 'x' // text: the domain's registers and stack, the answer to Inspect
	Listing  Type = 's' // Store: the answer to List, and before Unpause what Job.List asks for
	Failed   Type = 'f' // text: dom0 itself cannot go on
)

// MaxPayload is the largest payload, in bytes.
const MaxPayload = 1 << 16

const headerLen = 5

// Job is one domain.
type Job struct {
	Config string // the text of its xl configuration
	List   bool   // send a Listing before it runs

	// Nudge is for how long the domain may be silent before it gets an event of
	// its console; 0 means for ever.
	Nudge time.Duration
}

// Store is what xenstore holds about a domain: its own part, its backends' and
// its /vm.
type Store struct {
	Domain string // number of the domain
	VM     string // its UUID
	Text   string // what xenstore-ls -f -p prints
}

// End is how a domain ended.
type End struct {
	Created bool   // xl create succeeded
	Reason  string // poweroff, reboot, crash, destroyed …; xl's message when it was not created
}

// ErrFrame is returned for bytes that are no frame.
var ErrFrame = errors.New("wire: malformed frame")

// Conn reads and writes frames. Frames can be written from several
// goroutines; one reads.
type Conn struct {
	rw io.ReadWriter
	mu sync.Mutex
}

// NewConn returns a connection over rw.
func NewConn(rw io.ReadWriter) *Conn { return &Conn{rw: rw} }

// Write sends a frame. Longer payloads of bytes are cut into several.
func (c *Conn) Write(t Type, payload []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for first := true; first || len(payload) > 0; first = false {
		n := min(len(payload), MaxPayload)
		frame := make([]byte, headerLen+n)
		frame[0] = byte(t)
		binary.BigEndian.PutUint32(frame[1:], uint32(n))
		copy(frame[headerLen:], payload[:n])
		if _, err := c.rw.Write(frame); err != nil {
			return err
		}
		payload = payload[n:]
	}
	return nil
}

// WriteJSON sends a frame whose payload is a Job, a Store or an End.
func (c *Conn) WriteJSON(t Type, v any) error {
	payload, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(payload) > MaxPayload {
		return fmt.Errorf("wire: message of %d bytes is longer than %d", len(payload), MaxPayload)
	}
	return c.Write(t, payload)
}

// Read waits for a frame.
func (c *Conn) Read() (Type, []byte, error) {
	var head [headerLen]byte
	if _, err := io.ReadFull(c.rw, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > MaxPayload {
		return 0, nil, fmt.Errorf("%w: type %#x, length %d", ErrFrame, head[0], n)
	}
	payload := make([]byte, n)
	if _, err := io.ReadFull(c.rw, payload); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	return Type(head[0]), payload, nil
}
