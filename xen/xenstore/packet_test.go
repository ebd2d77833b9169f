package xenstore

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// feedIn feeds raw in pieces of size step and returns the packets in it.
func feedIn(raw []byte, step int) (pkts []Packet, err error) {
	var p Parser
	for len(raw) > 0 {
		piece := raw[:min(step, len(raw))]
		raw = raw[len(piece):]
		for len(piece) > 0 {
			n, pkt, err := p.Feed(piece)
			if err != nil {
				return pkts, err
			}
			if piece = piece[n:]; pkt != nil {
				pkts = append(pkts, *pkt)
			}
		}
	}
	return pkts, nil
}

func TestParserTakesPiecesOfAnySize(t *testing.T) {
	want := []Packet{
		{Type: TypeRead, ReqID: 1, Body: []byte("name\x00")},
		{Type: TypeResetWatches, ReqID: 2, TxID: 3, Body: []byte{}},
		{Type: TypeWrite, ReqID: 0xffffffff, TxID: 9, Body: bytes.Repeat([]byte("x"), MaxBody)},
		{Type: 0xffff, Body: []byte{0}},
	}
	var raw []byte
	for _, p := range want {
		var err error
		if raw, err = p.Append(raw); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []int{1, 2, 15, 16, 17, 31, 1024, len(raw)} {
		got, err := feedIn(raw, step)
		if err != nil {
			t.Errorf("pieces of %d: %v", step, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("pieces of %d: %s", step, d)
		}
	}
}

func TestParserRefusesOversize(t *testing.T) {
	head := binary.NativeEndian.AppendUint32(make([]byte, 12), MaxBody+1)
	var p Parser
	if _, _, err := p.Feed(head); err == nil || !strings.Contains(err.Error(), "4097") {
		t.Errorf("error is %v", err)
	}
	if n, pkt, err := p.Feed([]byte("more")); n != 0 || pkt != nil || err == nil {
		t.Errorf("failed parser took %d bytes, gave %v, %v", n, pkt, err)
	}
	if p.Need() != 0 {
		t.Errorf("failed parser needs %d bytes", p.Need())
	}
}

func TestParserTellsItsNeed(t *testing.T) {
	var p Parser
	if p.Need() != HeaderSize || p.Partial() {
		t.Errorf("new parser needs %d, partial %v", p.Need(), p.Partial())
	}
	head := make([]byte, HeaderSize)
	binary.NativeEndian.PutUint32(head[12:], 5)
	if n, pkt, err := p.Feed(head[:7]); n != 7 || pkt != nil || err != nil || p.Need() != 9 || !p.Partial() {
		t.Errorf("7 bytes: %d, %v, %v, need %d", n, pkt, err, p.Need())
	}
	if _, _, err := p.Feed(head[7:]); err != nil || p.Need() != 5 {
		t.Errorf("whole header: %v, need %d", err, p.Need())
	}
}

func TestAppendRefusesOversize(t *testing.T) {
	p := Packet{Type: TypeWrite, Body: make([]byte, MaxBody+1)}
	if b, err := p.Append(nil); err == nil || len(b) != 0 {
		t.Errorf("%d bytes, error %v", len(b), err)
	}
}

func FuzzParser(f *testing.F) {
	whole, _ := Packet{Type: TypeRead, ReqID: 7, Body: []byte("device/vbd\x00")}.Append(nil)
	f.Add(whole, uint8(3))
	f.Add(append(whole[:12:12], 0xff, 0xff, 0xff, 0xff), uint8(1))
	f.Fuzz(func(t *testing.T, raw []byte, step uint8) {
		one, err1 := feedIn(raw, 1+int(step))
		all, err2 := feedIn(raw, len(raw)+1)
		if d := cmp.Diff(all, one); d != "" || (err1 == nil) != (err2 == nil) {
			t.Errorf("pieces matter: %s, %v, %v", d, err1, err2)
		}
		var again []byte
		for _, p := range all {
			var err error
			if again, err = p.Append(again); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.HasPrefix(raw, again) {
			t.Errorf("packets make %x of %x", again, raw)
		}
	})
}

func TestErrnoOf(t *testing.T) {
	for body, want := range map[string]string{
		"ENOENT\x00":                  "ENOENT",
		"E2BIG":                       "E2BIG",
		"":                            `error reply ""`,
		"enoent\x00":                  `error reply "enoent"`,
		"E\x1b[2J\x00":                `error reply "E\x1b[2J"`,
		"E" + strings.Repeat("A", 99): `error reply "E` + strings.Repeat("A", 31) + `"`,
	} {
		err := errnoOf([]byte(body))
		if err.Error() != want {
			t.Errorf("%q: %v, want %s", body, err, want)
		}
		if _, is := err.(Errno); is != !strings.HasPrefix(want, "error") {
			t.Errorf("%q: %T", body, err)
		}
	}
}

func TestPerms(t *testing.T) {
	for s, want := range map[string][]Perm{
		"n0\x00r7\x00":     {{0, AccessNone}, {7, AccessRead}},
		"b65535\x00":       {{65535, AccessBoth}},
		"":                 nil,
		"\x00":             nil,
		"n0":               nil,
		"x0\x00":           nil,
		"r65536\x00":       nil,
		"r-1\x00":          nil,
		"r\x00":            nil,
		"r1\x00\x00w2\x00": nil,
	} {
		got, err := parsePerms(s)
		if (err == nil) != (want != nil) {
			t.Errorf("%q: %v", s, err)
		}
		if d := cmp.Diff(want, got); want != nil && d != "" {
			t.Errorf("%q: %s", s, d)
		}
	}
}
