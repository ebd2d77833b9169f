package console

import (
	"strings"
	"testing"

	"pvboot/console/xencons"
)

// rings is both ends of a page.
func rings(t *testing.T) (*Console, *xencons.Ring) {
	t.Helper()
	page := make([]byte, xencons.PageSize)
	front, err := xencons.New(page, false)
	if err != nil {
		t.Fatal(err)
	}
	daemon, err := xencons.New(page, true)
	if err != nil {
		t.Fatal(err)
	}
	return &Console{ring: front}, daemon
}

func TestRaw(t *testing.T) {
	c, daemon := rings(t)
	var got strings.Builder
	take := func() {
		buf := make([]byte, 100)
		n, err := daemon.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got.Write(buf[:n])
	}
	notified := 0
	write := c.raw(func() { notified++ }, take)
	write([]byte("panic: x\n\ngoroutine 1\n" + strings.Repeat("frame\n", 1000)))
	for range 100 {
		take()
	}
	want := "panic: x\r\n\r\ngoroutine 1\r\n" + strings.Repeat("frame\r\n", 1000)
	if got.String() != want {
		t.Errorf("got %d bytes, want %d", got.Len(), len(want))
	}
	if notified == 0 {
		t.Error("the other end was not told")
	}
}

// A console that nobody serves, or whose indices are broken, ends the writer.
func TestRawGivesUp(t *testing.T) {
	c, _ := rings(t)
	yields := 0
	c.raw(func() {}, func() { yields++ })(make([]byte, 3*xencons.OutSize))
	if yields != rawYields {
		t.Errorf("%d yields, want %d", yields, rawYields)
	}
}
