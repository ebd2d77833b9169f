package barehost

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// monitor speaks QEMU's machine protocol (docs/interop/qmp-spec.rst): a JSON object
// a line.
type monitor struct {
	conn io.ReadWriteCloser
	in   *bufio.Reader
	mu   sync.Mutex // writes
}

// message is what QEMU sends: the answer to a command, or an event.
type message struct {
	QMP    json.RawMessage `json:"QMP"`
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Desc string `json:"desc"`
	} `json:"error"`
	ID    string `json:"id"`
	Event string `json:"event"`
	Data  struct {
		Reason string `json:"reason"`
	} `json:"data"`
}

// maxLine bounds one message, in bytes.
const maxLine = 1 << 20

// inspectID marks the command of inspect.
const inspectID = "inspect"

// newMonitor makes the connection ready for commands.
func newMonitor(conn io.ReadWriteCloser) (*monitor, error) {
	m := &monitor{conn: conn, in: bufio.NewReaderSize(conn, maxLine)}
	if msg, err := m.next(); err != nil || msg.QMP == nil {
		return nil, fmt.Errorf("qemu's monitor: no greeting: %w", orMalformed(err))
	}
	if err := m.execute("qmp_capabilities", nil); err != nil {
		return nil, err
	}
	for {
		msg, err := m.next()
		if err != nil || msg.Error != nil {
			return nil, fmt.Errorf("qemu's monitor: %w", orMalformed(err))
		}
		if msg.Return != nil {
			return m, nil
		}
	}
}

var errMalformed = fmt.Errorf("an answer that was not expected")

func orMalformed(err error) error {
	if err == nil {
		return errMalformed
	}
	return err
}

// next reads a message.
func (m *monitor) next() (msg message, err error) {
	line, err := m.in.ReadSlice('\n')
	if err != nil {
		return msg, err
	}
	return msg, json.Unmarshal(line, &msg)
}

// execute sends a command, and does not wait for the answer.
func (m *monitor) execute(command string, arguments map[string]string) error {
	return m.send(map[string]any{"execute": command, "arguments": arguments})
}

func (m *monitor) send(command map[string]any) error {
	if args, ok := command["arguments"].(map[string]string); ok && args == nil {
		delete(command, "arguments")
	}
	line, err := json.Marshal(command)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.conn.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("qemu's monitor: %w", err)
	}
	return nil
}

// inspect asks for the registers, which watch passes on.
func (m *monitor) inspect() error {
	return m.send(map[string]any{
		"execute": "human-monitor-command", "id": inspectID,
		"arguments": map[string]string{"command-line": "info registers"},
	})
}

// endings are the reasons of QEMU's event SHUTDOWN (qapi/run-state.json,
// ShutdownCause) in Xen's words. Others are told as they are.
var endings = map[string]string{
	"guest-shutdown": "poweroff",
	"guest-reset":    "reboot",
	"guest-panic":    "crash",
	"host-signal":    "destroyed",
}

// watch reads until QEMU ends, and returns why the machine did, "" when nothing
// was said. registers gets what inspect asked for.
func (m *monitor) watch(registers func(text string)) (reason string) {
	defer m.conn.Close()
	for {
		msg, err := m.next()
		if err != nil {
			return reason
		}
		switch {
		case msg.Event == "SHUTDOWN":
			reason = msg.Data.Reason
			if known, ok := endings[reason]; ok {
				reason = known
			}
		case msg.ID == inspectID:
			var text string
			if msg.Error != nil {
				text = msg.Error.Desc
			} else if err := json.Unmarshal(msg.Return, &text); err != nil {
				text = err.Error()
			}
			registers(text)
		}
	}
}
