package riscv64

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/hypercall"
)

// calls is a firmware that notes what it is made to do.
type calls struct {
	firmware
	out  bytes.Buffer
	did  []string
	keys string
	ram  [64]byte
}

func newCalls() *calls {
	c := &calls{}
	note := func(format string, args ...any) { c.did = append(c.did, fmt.Sprintf(format, args...)) }
	c.firmware = firmware{
		out: &c.out,
		key: func() (byte, bool) {
			if c.keys == "" {
				return 0, false
			}
			k := c.keys[0]
			c.keys = c.keys[1:]
			return k, true
		},
		view: func(addr, n uint64) ([]byte, bool) {
			if addr < 0x1000 || n > 64 || addr-0x1000 > 64-n {
				return nil, false
			}
			return c.ram[addr-0x1000:][:n], true
		},
		setTimer: func(at uint64) { note("timer %d", at) },
		raise:    func(on bool) { note("raise %v", on) },
		fence:    func() { note("fence") },
	}
	copy(c.ram[:], "hello")
	return c
}

func TestSBI(t *testing.T) {
	const all = ^uint64(0)
	for _, tt := range []struct {
		name     string
		eid, fid uint64
		args     [6]uint64
		want     outcome
		did      []string
		out      string
	}{
		{"version", eidBase, 0, [6]uint64{}, outcome{value: 2 << 24}, nil, ""},
		{"implementation", eidBase, 1, [6]uint64{}, outcome{value: 7}, nil, ""},
		{"probe for Xen", eidBase, 3, [6]uint64{0x0A000007}, outcome{value: 1}, nil, ""},
		{"probe for a legacy extension", eidBase, 3, [6]uint64{8}, outcome{value: 1}, nil, ""},
		{"probe for nothing", eidBase, 3, [6]uint64{9}, outcome{}, nil, ""},
		{"machine", eidBase, 6, [6]uint64{}, outcome{}, nil, ""},
		{"unknown of base", eidBase, 7, [6]uint64{}, failed(sbiNotSupported), nil, ""},
		{"timer", eidTime, 0, [6]uint64{77}, outcome{}, []string{"timer 77"}, ""},
		{"unknown of time", eidTime, 1, [6]uint64{77}, failed(sbiNotSupported), nil, ""},
		{"IPI", eidIPI, 0, [6]uint64{1, 0}, outcome{}, []string{"raise true"}, ""},
		{"IPI to all", eidIPI, 0, [6]uint64{0, all}, outcome{}, []string{"raise true"}, ""},
		{"IPI to nobody", eidIPI, 0, [6]uint64{0, 0}, outcome{}, nil, ""},
		{"IPI to hart 1", eidIPI, 0, [6]uint64{2, 0}, failed(sbiInvalidParam), nil, ""},
		{"IPI from hart 5 on", eidIPI, 0, [6]uint64{1, 5}, failed(sbiInvalidParam), nil, ""},
		{"fence", eidRfence, 1, [6]uint64{1, 0, 0x1000, 0x1000}, outcome{}, []string{"fence"}, ""},
		{"guest's guest's fence", eidRfence, 3, [6]uint64{1}, failed(sbiNotSupported), nil, ""},
		{"start hart 0", eidHSM, 0, [6]uint64{}, failed(sbiAlreadyAvailable), nil, ""},
		{"start hart 1", eidHSM, 0, [6]uint64{1}, failed(sbiInvalidParam), nil, ""},
		{"stop", eidHSM, 1, [6]uint64{}, outcome{down: true}, nil, ""},
		{"status", eidHSM, 2, [6]uint64{}, outcome{}, nil, ""},
		{"status of hart 1", eidHSM, 2, [6]uint64{1}, failed(sbiInvalidParam), nil, ""},
		{"suspend", eidHSM, 3, [6]uint64{}, outcome{idle: true}, nil, ""},
		{"deeper suspend", eidHSM, 3, [6]uint64{0x80000000}, failed(sbiNotSupported), nil, ""},
		{"shutdown", eidReset, 0, [6]uint64{0, 0}, outcome{down: true}, nil, ""},
		{"shutdown, failed", eidReset, 0, [6]uint64{0, 1}, outcome{down: true, reason: hypercall.ShutdownCrash}, nil, ""},
		{"reboot", eidReset, 0, [6]uint64{1, 0}, outcome{down: true, reason: hypercall.ShutdownReboot}, nil, ""},
		{"unknown reset", eidReset, 0, [6]uint64{9, 0}, failed(sbiInvalidParam), nil, ""},
		{"write", eidDebug, 0, [6]uint64{5, 0x1000, 0}, outcome{value: 5}, nil, "hello"},
		{"write nowhere", eidDebug, 0, [6]uint64{5, 0, 0}, failed(sbiInvalidParam), nil, ""},
		{"write beyond 64 bits", eidDebug, 0, [6]uint64{5, 0x1000, 1}, failed(sbiInvalidParam), nil, ""},
		{"write too much", eidDebug, 0, [6]uint64{all, 0x1000, 0}, failed(sbiInvalidParam), nil, ""},
		{"write a byte", eidDebug, 2, [6]uint64{'x'}, outcome{value: 1}, nil, "x"},
		{"read nothing", eidDebug, 1, [6]uint64{4, 0x1010, 0}, outcome{}, nil, ""},
		{"unknown of debug", eidDebug, 3, [6]uint64{}, failed(sbiNotSupported), nil, ""},
		{"legacy timer", 0, 0, [6]uint64{5}, outcome{legacy: true}, []string{"timer 5"}, ""},
		{"legacy putchar", 1, 0, [6]uint64{'y'}, outcome{legacy: true}, nil, "y"},
		{"legacy getchar", 2, 0, [6]uint64{}, outcome{legacy: true, code: -1}, nil, ""},
		{"legacy clear", 3, 0, [6]uint64{}, outcome{legacy: true}, []string{"raise false"}, ""},
		{"legacy IPI", 4, 0, [6]uint64{}, outcome{legacy: true}, []string{"raise true"}, ""},
		{"legacy fence", 6, 0, [6]uint64{}, outcome{legacy: true}, []string{"fence"}, ""},
		{"legacy shutdown", 8, 0, [6]uint64{}, outcome{legacy: true, down: true}, nil, ""},
		{"unknown", 0x504D55, 0, [6]uint64{}, failed(sbiNotSupported), nil, ""},
		{"unknown, small", 9, 0, [6]uint64{}, failed(sbiNotSupported), nil, ""},
	} {
		c := newCalls()
		got := c.call(tt.eid, tt.fid, tt.args)
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(outcome{})); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
		if diff := cmp.Diff(tt.did, c.did); diff != "" || c.out.String() != tt.out {
			t.Errorf("%s: %s, wrote %q", tt.name, diff, c.out.String())
		}
	}
}

func TestKeys(t *testing.T) {
	c := newCalls()
	c.keys = "abcde"
	if o := c.call(eidGetchar, 0, [6]uint64{}); o.code != 'a' {
		t.Errorf("%+v", o)
	}
	if o := c.call(eidDebug, 1, [6]uint64{3, 0x1000, 0}); o.value != 3 || string(c.ram[:5]) != "bcdlo" {
		t.Errorf("%+v, %q", o, c.ram[:5])
	}
	if o := c.call(eidDebug, 1, [6]uint64{3, 0x1000, 0}); o.value != 1 || string(c.ram[:5]) != "ecdlo" {
		t.Errorf("%+v, %q", o, c.ram[:5])
	}
}

// broken is a console that fails.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken") }

func TestBrokenConsole(t *testing.T) {
	c := newCalls()
	c.firmware.out = broken{}
	if o := c.call(eidDebug, 2, [6]uint64{'x'}); o.code != -1 {
		t.Errorf("%+v", o)
	}
}
