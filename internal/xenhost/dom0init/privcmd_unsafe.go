package main

import (
	"os"
	"syscall"
	"unsafe"
)

// Numbers of Xen's public/xen.h and public/event_channel.h.
const (
	opEventChannel = 32

	evtchnSend   = 4
	evtchnStatus = 5

	domidSelf         = 0x7ff0
	statusInterdomain = 2
)

// evtchnStatusArgs is struct evtchn_status, for a port that another domain's is
// bound to.
type evtchnStatusArgs struct {
	dom          uint16
	_            uint16
	port         uint32
	status, vcpu uint32
	remote       uint16
	_            uint16
	remotePort   uint32
}

// privcmdHypercall is IOCTL_PRIVCMD_HYPERCALL of Linux's xen/privcmd.h.
const privcmdHypercall = 48<<16 | 'P'<<8

// privcmd makes hypercalls on event channels through Linux's driver.
type privcmd struct{ *os.File }

func openPrivcmd() (privcmd, error) {
	f, err := os.OpenFile("/dev/xen/privcmd", os.O_RDWR, 0)
	return privcmd{f}, err
}

// call makes a hypercall whose arguments Xen reads and writes where they are. They
// are held as a pointer, so that they are found when the stack has to move.
func (p privcmd) call(cmd uint64, args unsafe.Pointer) error {
	hypercall := struct {
		op, cmd uint64
		args    unsafe.Pointer
		_       [3]uint64
	}{op: opEventChannel, cmd: cmd, args: args}
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, p.Fd(), privcmdHypercall, uintptr(unsafe.Pointer(&hypercall)))
	if errno != 0 {
		return errno
	}
	return nil
}

// Remote returns the other end of one of dom0's ports, or the zero domainPort when
// it has none. Its error EINVAL tells that there is no such port, nor a higher one.
func (p privcmd) Remote(port uint32) (domainPort, error) {
	args := evtchnStatusArgs{dom: domidSelf, port: port}
	if err := p.call(evtchnStatus, unsafe.Pointer(&args)); err != nil || args.status != statusInterdomain {
		return domainPort{}, err
	}
	return domainPort{args.remote, args.remotePort}, nil
}

// Send sends an event through one of dom0's ports.
func (p privcmd) Send(port uint32) error {
	return p.call(evtchnSend, unsafe.Pointer(&port))
}
