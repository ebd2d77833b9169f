package barehost

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	greeting = `{"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 7}}, "capabilities": ["oob"]}}` + "\n"
	done     = `{"return": {}}` + "\n"
)

// fakeQEMU says script, a piece after each line that it is sent, and hangs up. It
// returns what it was sent.
func fakeQEMU(t *testing.T, script ...string) (io.ReadWriteCloser, <-chan []string) {
	t.Helper()
	ours, theirs := net.Pipe()
	deadline := time.Now().Add(time.Minute)
	if err := errors.Join(ours.SetDeadline(deadline), theirs.SetDeadline(deadline)); err != nil {
		t.Fatal(err)
	}
	sent := make(chan []string, 1)
	go func() {
		defer theirs.Close()
		var lines []string
		in := bufio.NewScanner(theirs)
		for i, piece := range script {
			if i > 0 && in.Scan() {
				lines = append(lines, in.Text())
			}
			if _, err := io.WriteString(theirs, piece); err != nil {
				break
			}
		}
		sent <- lines
	}()
	return ours, sent
}

func TestMonitor(t *testing.T) {
	for name, tt := range map[string]struct {
		last, want string
		registers  []string
	}{
		"power off":    {`{"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-shutdown"}}` + "\n", "poweroff", nil},
		"reset":        {`{"event": "STOP"}` + "\n" + `{"event": "SHUTDOWN", "data": {"reason": "guest-reset"}}` + "\n", "reboot", nil},
		"another":      {`{"event": "SHUTDOWN", "data": {"reason": "subsystem-reset"}}` + "\n", "subsystem-reset", nil},
		"nothing":      {done, "", nil},
		"registers":    {`{"return": "RIP=1\r\n", "id": "inspect"}` + "\n", "", []string{"RIP=1\r\n"}},
		"no registers": {`{"error": {"class": "GenericError", "desc": "no such command"}, "id": "inspect"}` + "\n", "", []string{"no such command"}},
		"no text":      {`{"return": 1, "id": "inspect"}` + "\n", "", []string{"json: cannot unmarshal number into Go value of type string"}},
		"no JSON":      {"}\n", "", nil},
		"long":         {strings.Repeat("x", maxLine+1), "", nil},
	} {
		conn, sent := fakeQEMU(t, greeting, `{"event": "NIC_RX_FILTER_CHANGED"}`+"\n"+done, done+tt.last)
		m, err := newMonitor(conn)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := m.execute("cont", nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var registers []string
		reason := m.watch(func(text string) { registers = append(registers, text) })
		if reason != tt.want {
			t.Errorf("%s: reason %q, want %q", name, reason, tt.want)
		}
		if d := cmp.Diff(tt.registers, registers); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if d := cmp.Diff([]string{`{"execute":"qmp_capabilities"}`, `{"execute":"cont"}`}, <-sent); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestMonitorInspect(t *testing.T) {
	conn, sent := fakeQEMU(t, greeting, done, done)
	m, err := newMonitor(conn)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.inspect(); err != nil {
		t.Fatal(err)
	}
	m.watch(func(string) {})
	want := `{"arguments":{"command-line":"info registers"},"execute":"human-monitor-command","id":"inspect"}`
	if got := <-sent; len(got) != 2 || got[1] != want {
		t.Errorf("sent %q, want %s", got, want)
	}
}

func TestNewMonitorFails(t *testing.T) {
	for name, script := range map[string][]string{
		"ends at once":        {""},
		"no greeting":         {done},
		"refuses":             {greeting, `{"error": {"desc": "no"}}` + "\n"},
		"ends after greeting": {greeting, ""},
	} {
		conn, _ := fakeQEMU(t, script...)
		if _, err := newMonitor(conn); err == nil || !strings.HasPrefix(err.Error(), "qemu's monitor: ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
