package riscv64

import (
	"io"

	"pvboot/hypercall"
	"pvboot/xen/xentest/hypervisor"
)

// SBI extension IDs (SBI 2.0, chapters 4 to 12).
const (
	eidSetTimer   = 0x0 // legacy extensions, up to eidLegacyLast
	eidPutchar    = 0x1
	eidGetchar    = 0x2
	eidClearIPI   = 0x3
	eidSendIPI    = 0x4
	eidFenceI     = 0x5
	eidSfence     = 0x6
	eidSfenceASID = 0x7
	eidShutdown   = 0x8

	eidBase   = 0x10
	eidTime   = 0x54494D45
	eidIPI    = 0x735049
	eidRfence = 0x52464E43
	eidHSM    = 0x48534D
	eidReset  = 0x53525354
	eidDebug  = 0x4442434E

	// EIDXen is that of hypercalls: the space of firmware extensions, with
	// Xen's implementation ID.
	EIDXen = 0x0A000000 | implXen
)

const (
	specVersion = 2 << 24 // 2.0
	implXen     = 7       // chapter 4.9, "SBI Implementation IDs"
	implVersion = 4<<16 | 20
)

// Errors (chapter 3, "Binary Encoding").
const (
	sbiSuccess          = 0
	sbiNotSupported     = -2
	sbiInvalidParam     = -3
	sbiInvalidAddress   = -5
	sbiAlreadyAvailable = -6
)

// firmware answers the guest's SBI calls.
type firmware struct {
	view hypervisor.View
	out  io.Writer
	key  func() (byte, bool)
	// setTimer sets when the guest's timer rings, by the counter.
	setTimer func(at uint64)
	// raise makes the software interrupt of the guest's only hart pending, or
	// not.
	raise func(on bool)
	// fence does what any remote fence asks for.
	fence func()
}

// outcome is what an SBI call leads to.
type outcome struct {
	code   int64
	value  uint64
	legacy bool // value is not returned
	idle   bool // the hart waits for an interrupt
	down   bool // the guest ends
	reason hypercall.ShutdownReason
}

// failed is an outcome with an error.
func failed(code int64) outcome { return outcome{code: code} }

// call answers the call of function fid of extension eid.
func (f *firmware) call(eid, fid uint64, a [6]uint64) outcome {
	switch eid {
	case eidBase:
		return f.base(fid, a)
	case eidTime:
		if fid == 0 {
			f.setTimer(a[0])
			return outcome{}
		}
	case eidIPI:
		if fid == 0 {
			return f.toHart(a[0], a[1], func() { f.raise(true) })
		}
	case eidRfence:
		if fid < 3 { // the rest is for guests of the guest
			return f.toHart(a[0], a[1], f.fence)
		}
	case eidHSM:
		return f.hart(fid, a)
	case eidReset:
		return f.reset(fid, a)
	case eidDebug:
		return f.debug(fid, a)
	default:
		if eid <= eidShutdown {
			return f.legacy(eid, a)
		}
	}
	return failed(sbiNotSupported)
}

// base is the extension that tells of the others.
func (f *firmware) base(fid uint64, a [6]uint64) outcome {
	switch fid {
	case 0:
		return outcome{value: specVersion}
	case 1:
		return outcome{value: implXen}
	case 2:
		return outcome{value: implVersion}
	case 3:
		switch a[0] {
		case eidBase, eidTime, eidIPI, eidRfence, eidHSM, eidReset, eidDebug, EIDXen:
			return outcome{value: 1}
		}
		if a[0] <= eidShutdown {
			return outcome{value: 1}
		}
		return outcome{}
	case 4, 5, 6: // mvendorid, marchid, mimpid: 0 is "not implemented"
		return outcome{}
	}
	return failed(sbiNotSupported)
}

// toHart does what is asked of a set of harts, of which there is only hart 0: a
// mask from hart base on, or all where base is all ones.
func (f *firmware) toHart(mask, base uint64, do func()) outcome {
	switch {
	case base == ^uint64(0), base == 0 && mask == 1:
		do()
	case base == 0 && mask == 0:
	default:
		return failed(sbiInvalidParam)
	}
	return outcome{}
}

// hart is the extension that starts and stops harts.
func (f *firmware) hart(fid uint64, a [6]uint64) outcome {
	switch {
	case fid == 3: // hart_suspend
		if a[0] == 0 { // the default retentive suspend
			return outcome{idle: true}
		}
		return failed(sbiNotSupported)
	case fid == 1: // hart_stop: of the last one
		return outcome{down: true, reason: hypercall.ShutdownPoweroff}
	case fid > 3:
		return failed(sbiNotSupported)
	case a[0] != 0:
		return failed(sbiInvalidParam)
	case fid == 0:
		return failed(sbiAlreadyAvailable)
	}
	return outcome{} // started
}

// reset is the extension that ends the machine.
func (f *firmware) reset(fid uint64, a [6]uint64) outcome {
	if fid != 0 {
		return failed(sbiNotSupported)
	}
	switch uint32(a[0]) {
	case 0:
		if uint32(a[1]) != 0 {
			return outcome{down: true, reason: hypercall.ShutdownCrash}
		}
		return outcome{down: true, reason: hypercall.ShutdownPoweroff}
	case 1, 2:
		return outcome{down: true, reason: hypercall.ShutdownReboot}
	}
	return failed(sbiInvalidParam)
}

// maxDebug bounds one transfer: a caller goes on where it ended.
const maxDebug = 4096

// debug is the debug console.
func (f *firmware) debug(fid uint64, a [6]uint64) outcome {
	if fid == 2 {
		return f.write([]byte{byte(a[0])})
	}
	if fid > 2 {
		return failed(sbiNotSupported)
	}
	n := min(a[0], maxDebug)
	b, ok := f.view(a[1], n)
	if !ok || a[2] != 0 {
		return failed(sbiInvalidParam)
	}
	if fid == 0 {
		return f.write(b)
	}
	for i := range b {
		k, ok := f.key()
		if !ok {
			return outcome{value: uint64(i)}
		}
		b[i] = k
	}
	return outcome{value: n}
}

func (f *firmware) write(b []byte) outcome {
	n, err := f.out.Write(b)
	if err != nil {
		return failed(-1) // SBI_ERR_FAILED
	}
	return outcome{value: uint64(n)}
}

// legacy are the extensions of SBI 0.1, each a function of its own (chapter 5).
func (f *firmware) legacy(eid uint64, a [6]uint64) outcome {
	o := outcome{legacy: true}
	switch eid {
	case eidSetTimer:
		f.setTimer(a[0])
	case eidPutchar:
		o.code = f.write([]byte{byte(a[0])}).code
	case eidGetchar:
		o.code = -1
		if k, ok := f.key(); ok {
			o.code = int64(k)
		}
	case eidClearIPI:
		f.raise(false)
	case eidSendIPI: // the mask lies in memory, by virtual address; hart 0 is meant
		f.raise(true)
	case eidFenceI, eidSfence, eidSfenceASID:
		f.fence()
	case eidShutdown:
		o.down, o.reason = true, hypercall.ShutdownPoweroff
	}
	return o
}
