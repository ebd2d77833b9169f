package guest_test

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"pvboot/guest"
)

// onMetal tells whether the test is a guest, by what only a guest has.
func onMetal() bool { return len(guest.Start().Memory) > 0 }

func TestOpenPort(t *testing.T) {
	port, err := guest.OpenPort()
	// xengo's machine for arm64 has a UART, by which tests print; the one for
	// amd64 has another port for that.
	if !onMetal() || runtime.GOARCH == "amd64" {
		if !errors.Is(err, guest.ErrNoPort) {
			t.Errorf("error %v, want %v", err, guest.ErrNoPort)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if n := port.Read(make([]byte, 4)); n != 0 {
		t.Errorf("%d bytes of input", n)
	}
	if n := port.Write([]byte("through the port\n")); n == 0 {
		t.Error("no room for output")
	}
	for tries := 0; !port.Idle(); tries++ {
		if tries > 1000000 {
			t.Fatal("output does not leave")
		}
	}
}

func TestModuleData(t *testing.T) {
	for _, m := range guest.Start().Modules {
		data, err := m.Data()
		if err != nil || uint64(len(data)) != m.Size || !strings.HasPrefix(string(data), "070701") {
			t.Errorf("%#x, %d bytes: %v", m.Start, m.Size, err)
		}
	}
	if _, err := os.Stat("testdata"); onMetal() && err == nil && len(guest.Start().Modules) == 0 {
		t.Error("no module")
	}
	for _, m := range []guest.Module{{Start: 1 << 50, Size: 1}, {Start: 0x200000}, {Start: 1, Size: 1<<64 - 1}} {
		if _, err := m.Data(); err == nil {
			t.Errorf("%#x, %d bytes: no error", m.Start, m.Size)
		}
	}
}
