package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

type stream struct {
	io.Reader
	io.Writer
}

type frame struct {
	Type    Type
	Payload string
}

// readAll reads frames until an error.
func readAll(r io.Reader) ([]frame, error) {
	c := NewConn(stream{Reader: r})
	var frames []frame
	for {
		kind, payload, err := c.Read()
		if err != nil {
			return frames, err
		}
		frames = append(frames, frame{kind, string(payload)})
	}
}

func TestRoundTrip(t *testing.T) {
	var sent bytes.Buffer
	c := NewConn(stream{Writer: &sent})
	long := strings.Repeat("x", MaxPayload+1)
	end := End{Created: true, Reason: "poweroff"}
	if err := errors.Join(
		c.Write(Ready, nil),
		c.Write(Output, []byte("hello\r\n")),
		c.WriteJSON(Ended, end),
		c.Write(Output, []byte(long)),
	); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(end)
	if err != nil {
		t.Fatal(err)
	}
	want := []frame{{Ready, ""}, {Output, "hello\r\n"}, {Ended, string(text)}, {Output, long[:MaxPayload]}, {Output, "x"}}
	for name, r := range map[string]io.Reader{
		"whole":    bytes.NewReader(sent.Bytes()),
		"one byte": iotest.OneByteReader(bytes.NewReader(sent.Bytes())),
		"half":     iotest.HalfReader(bytes.NewReader(sent.Bytes())),
	} {
		got, err := readAll(r)
		if !errors.Is(err, io.EOF) {
			t.Errorf("%s: ends with %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestBadFrames(t *testing.T) {
	for name, c := range map[string]struct {
		data string
		want error
	}{
		"empty":        {"", io.EOF},
		"cut header":   {"o\x00\x00", io.ErrUnexpectedEOF},
		"no payload":   {"o\x00\x00\x00\x05", io.ErrUnexpectedEOF},
		"cut payload":  {"o\x00\x00\x00\x05abc", io.ErrUnexpectedEOF},
		"too long":     {"o\x00\x01\x00\x01abc", ErrFrame},
		"far too long": {"o\xff\xff\xff\xffabc", ErrFrame},
	} {
		if _, err := readAll(strings.NewReader(c.data)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if err := NewConn(stream{Writer: io.Discard}).WriteJSON(Start, Job{Config: strings.Repeat("x", MaxPayload)}); err == nil {
		t.Error("a message that is too long: no error")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("r\x00\x00\x00\x00"))
	f.Add([]byte("o\x00\x00\x00\x05hello"))
	f.Add([]byte("o\x00\x01\x00\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		frames, err := readAll(bytes.NewReader(data))
		if err == nil {
			t.Fatal("reading went on for ever")
		}
		n := 0
		for _, fr := range frames {
			n += headerLen + len(fr.Payload)
		}
		if n > len(data) {
			t.Errorf("%d bytes of frames in %d", n, len(data))
		}
	})
}
