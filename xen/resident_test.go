package xen_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pvboot/hypercall"
	"pvboot/internal/shm"
	"pvboot/xen"
	"pvboot/xen/xentest"
)

// TestVCPUInfo registers, as often as wanted, and finds that the domain cannot
// be handed over any more, nor the structure registered by the next program.
func TestVCPUInfo(t *testing.T) {
	for _, minor := range []int{17, 18, 20} {
		for _, arm := range []bool{false, true} {
			t.Run(fmt.Sprintf("4.%d, arm %v", minor, arm), func(t *testing.T) {
				m, d := newDomain(t, xentest.Config{Major: 4, Minor: minor, Arm: arm})
				r := d.Resident()
				if err := m.Leaks(); err != nil { // only asked for
					t.Errorf("left: %v", err)
				}
				i, err := r.VCPUInfo(0)
				if err != nil {
					t.Fatal(err)
				}
				if len(i.Bytes) != hypercall.VCPUInfoSize || shm.Load(i.Bytes, hypercall.VCPUInfoUpcallPending)&0xff != 1 ||
					shm.Load(i.Bytes, hypercall.VCPUInfoPendingSel) != ^uint32(0) {
					t.Errorf("%v: %x", i, i.Bytes)
				}
				for range 3 {
					if again, err := d.Resident().VCPUInfo(0); again != i || err != nil {
						t.Errorf("once more: %v, %v", again, err)
					}
				}
				want := fmt.Sprintf("xen: left behind: vcpu_info of vcpu 0 at gfn %#x is registered until the domain ends", i.GFN)
				for range 2 {
					var left *xen.LeftError
					if err := d.Close(); !errors.As(err, &left) || err.Error() != want {
						t.Errorf("close: %v, want %s", err, want)
					}
				}
				if left := m.Leaks(); len(left) != 1 || left[0] != fmt.Sprintf("vcpu_info registered at gfn %#x", i.GFN) {
					t.Errorf("left: %q", left)
				}
				if _, err := r.VCPUInfo(0); !errors.Is(err, xen.ErrClosed) {
					t.Errorf("after close: %v", err)
				}

				next, err := xen.New(m)
				if err != nil {
					t.Fatal(err)
				}
				_, err = next.Resident().VCPUInfo(0)
				var registered *xen.RegisteredError
				busy := hypercall.ErrBusy
				if minor < 18 {
					busy = hypercall.ErrInvalid
				}
				if !errors.As(err, &registered) || !errors.Is(err, busy) || !strings.HasPrefix(err.Error(), "xen: vcpu_info of vcpu 0: registered already: VCPUOP_register_vcpu_info: E") {
					t.Errorf("next program: %v", err)
				}
				if err := next.Close(); err != nil { // it did nothing
					t.Errorf("next program's close: %v", err)
				}
			})
		}
	}
}

// What Xen refuses changes nothing.
func TestVCPUInfoRefused(t *testing.T) {
	m, d := newDomain(t, xentest.Config{Major: 4, Minor: 20})
	if _, err := d.Resident().VCPUInfo(1); !errors.Is(err, hypercall.ErrNotExist) || err.Error() != "xen: vcpu_info of vcpu 1: VCPUOP_register_vcpu_info: ENOENT (no such entry)" {
		t.Errorf("vcpu 1 of 1: %v", err)
	}
	all, err := m.AllocFrames(256)
	if err != nil {
		t.Errorf("frame not given back: %v", err)
	}
	if _, err := d.Resident().VCPUInfo(0); err == nil {
		t.Error("registered without memory")
	}
	m.FreeFrames(all)
	closeClean(t, m, d)
}
