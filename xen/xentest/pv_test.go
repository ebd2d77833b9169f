package xentest_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pvboot/hypercall"
	"pvboot/internal/shm"
	"pvboot/xen"
	"pvboot/xen/xentest"
)

// No frame of a PV domain is where its number says, and none follows its
// neighbour.
func TestPVFramesAreScattered(t *testing.T) {
	m := xentest.New(xentest.Config{Pages: 256, PV: true})
	defer m.Close()
	f, err := m.AllocFrames(256)
	if err != nil {
		t.Fatal(err)
	}
	var mfns []uint64
	for i := range 256 {
		mfn, ok := m.GFN(f[i*xen.PageSize+7:])
		if !ok || mfn < 0x200000 {
			t.Errorf("page %d: %#x, %v", i, mfn, ok)
		}
		if n := len(mfns); n > 0 && (mfns[n-1]+1 == mfn || mfns[n-1] == mfn+1) {
			t.Errorf("pages %d and %d are neighbours: %#x and %#x", i-1, i, mfns[n-1], mfn)
		}
		mfns = append(mfns, mfn)
		p, err := m.MapGFN(mfn, 1)
		if err != nil || &p[0] != &f[i*xen.PageSize] {
			t.Errorf("page %d: another one mapped, %v", i, err)
		}
		if err := m.UnmapGFN(p); err != nil {
			t.Error(err)
		}
	}
	slices.Sort(mfns)
	if n := len(slices.Compact(mfns)); n != 256 {
		t.Errorf("%d different frames", n)
	}
	if left := m.Leaks(); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// TestPVLeaksSees holds the negative controls of Leaks for a PV domain.
func TestPVLeaksSees(t *testing.T) {
	view := func(m *xentest.Machine, mfn uint64) ([]byte, error) { return m.MapGFN(mfn, 1) }
	for _, tt := range []struct {
		name string
		do   func(m *xentest.Machine) error
		want string
	}{
		{"shared_info", func(m *xentest.Machine) error {
			_, err := view(m, m.StartInfo().SharedInfo/xen.PageSize)
			return err
		}, "shared_info mapped at gfn 0x1c0003"},
		{"shared_info, mapped twice and unmapped once", func(m *xentest.Machine) error {
			mfn := m.StartInfo().SharedInfo / xen.PageSize
			a, err := view(m, mfn)
			_, err2 := view(m, mfn)
			return errors.Join(err, err2, m.UnmapGFN(a))
		}, "shared_info mapped at gfn 0x1c0003"},
		{"grant frame", func(m *xentest.Machine) error {
			l, err := hypercall.GnttabSetupTable(m, 2)
			if err != nil {
				return err
			}
			_, err = view(m, l[1])
			return err
		}, "grant frame 1 mapped at gfn"},
		{"unmapped twice", func(m *xentest.Machine) error {
			a, err := view(m, m.StartInfo().SharedInfo/xen.PageSize)
			err = errors.Join(err, m.UnmapGFN(a))
			if !errors.Is(m.UnmapGFN(a), hypercall.ErrInvalid) {
				return errors.New("second unmapping succeeds")
			}
			return err
		}, "unmapped what was not mapped"},
		{"vcpu_info", func(m *xentest.Machine) error {
			f, err := m.AllocFrames(1)
			mfn, _ := m.GFN(f)
			return errors.Join(err, hypercall.VCPURegisterInfo(m, 0, mfn, 64))
		}, "vcpu_info registered at gfn 0x20"},
		{"RAM given back", func(m *xentest.Machine) error {
			f, err := m.AllocFrames(1)
			mfn, _ := m.GFN(f)
			_, err2 := hypercall.MemoryDecreaseReservation(m, []uint64{mfn})
			return errors.Join(err, err2)
		}, "hole in RAM at gfn 0x20"},
	} {
		m := xentest.New(xentest.Config{Pages: 256, PV: true})
		if left := m.Leaks(); len(left) != 0 {
			t.Errorf("%s: before: %q", tt.name, left)
		}
		if err := tt.do(m); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if left := strings.Join(m.Leaks(), "; "); !strings.Contains(left, tt.want) {
			t.Errorf("%s: left %s, want %s", tt.name, left, tt.want)
		}
		m.Close()
	}
}

// A page of the toolstack's that is mapped hinders nobody, and what others put
// at a hole a PV domain cannot.
func TestPVMappings(t *testing.T) {
	m := xentest.New(xentest.Config{Pages: 256, PV: true, MaxGrantFrames: 3})
	defer m.Close()
	for _, mfn := range []uint64{m.StartInfo().Console.MFN, m.StartInfo().Store.MFN} {
		if _, err := m.MapGFN(mfn, 1); err != nil {
			t.Error(err)
		}
	}
	for _, mfn := range []uint64{0, 0x100, 0xfefff, 0x1d000a} { // the last: a grant frame that is not there yet
		if _, err := m.MapGFN(mfn, 1); err == nil {
			t.Errorf("mapped %#x", mfn)
		}
	}
	if _, err := m.Hole(1); err == nil {
		t.Error("a hole")
	}
	if l, err := hypercall.GnttabSetupTable(m, 3); err != nil || len(l) != 3 || l[1] != 0x1d000a {
		t.Errorf("grant frames %#x, %v", l, err)
	}
	if _, err := m.MapGFN(0x1d000a, 1); err != nil {
		t.Error(err)
	}
	if _, err := hypercall.GnttabSetupTable(m, 4); !errors.Is(err, hypercall.GrantGeneralError) {
		t.Errorf("4 grant frames of 3: %v", err)
	}
	if f, err := hypercall.XenFeatures(m, 0); err != nil || f>>hypercall.FeatureAutoTranslatedPhysmap&1 != 0 {
		t.Errorf("features %#x, %v", f, err)
	}
	none := xentest.New(xentest.Config{Pages: 256, PV: true, NoStore: true, NoConsole: true})
	defer none.Close()
	if s := none.StartInfo(); s.Store != (xen.RingInfo{}) || s.Console != (xen.RingInfo{}) {
		t.Errorf("%+v", s)
	}
}

// Elsewhere setup_table tells of frames that are mapped.
func TestSetupTableTranslated(t *testing.T) {
	m := xentest.New(xentest.Config{Pages: 256})
	defer m.Close()
	if err := hypercall.MemoryAddToPhysmap(m, hypercall.SpaceGrantTable, 1, 0xf7000); err != nil {
		t.Fatal(err)
	}
	l, err := hypercall.GnttabSetupTable(m, 2)
	if err != nil || l[0] != ^uint64(0) || l[1] != 0xf7000 {
		t.Errorf("%#x, %v", l, err)
	}
}

// TestVCPUInfoOnce has the rules of VCPUOP_register_vcpu_info, before and since
// Xen 4.18.
func TestVCPUInfoOnce(t *testing.T) {
	for _, minor := range []int{17, 20} {
		for _, k := range []kind{{}, {arm: true}, {pv: true}} {
			m := xentest.New(xentest.Config{Pages: 256, Major: 4, Minor: minor, Arm: k.arm, PV: k.pv})
			f, err := m.AllocFrames(1)
			if err != nil {
				t.Fatal(err)
			}
			gfn, _ := m.GFN(f)
			room := uint32(xen.PageSize - 64)
			if k.arm {
				room = xen.PageSize - 48
			}
			again, beyond := hypercall.ErrBusy, hypercall.ErrInvalid
			if minor < 18 {
				again, beyond = hypercall.ErrInvalid, hypercall.ErrNxio
			}
			for _, tt := range []struct {
				vcpu   uint32
				gfn    uint64
				offset uint32
				want   error
			}{
				{1, gfn, 0, hypercall.ErrNotExist},
				{0, gfn, 4, hypercall.ErrNxio},
				{0, gfn, room + 8, hypercall.ErrNxio},
				{0, gfn, xen.PageSize, beyond},
				{0, 0x55, 0, hypercall.ErrInvalid},
				{0, gfn, room, nil},
				{0, gfn, room, again},
				{0, gfn, 0, again},
			} {
				if err := hypercall.VCPURegisterInfo(m, tt.vcpu, tt.gfn, tt.offset); !errors.Is(err, tt.want) {
					t.Errorf("4.%d, %+v: vcpu %d at %#x+%#x: %v, want %v", minor, k, tt.vcpu, tt.gfn, tt.offset, err, tt.want)
				}
			}
			if shm.Load(f, int(room))&0xff != 1 || shm.Load(f, int(room)+8) != ^uint32(0) {
				t.Errorf("4.%d, %+v: no events pending", minor, k)
			}
			m.Close()
		}
	}
}
