package xenhost

import (
	"fmt"

	"pvboot/internal/deb"
	"pvboot/internal/qemu"
)

// Memory, in MiB.
const (
	dom0Memory = 320
	xenMemory  = 320 // Xen's own, and a domain's overhead

	pygrubMemory = 256 // dom0's, for Python and the domain's kernel
)

// machine is what differs between the architectures' hosts.
type machine struct {
	kernel    string   // Debian's package of dom0's kernel
	packages  []string // those that no other architecture's tools need
	modules   []string // those of dom0's kernel that no other architecture needs
	multiarch string   // name of the folder of libraries

	// Xen's and dom0's kernel as QEMU loads them.
	unpackXen    func(cfg *Config, root, key string) (string, error)
	unpackKernel func(cfg *Config, k *deb.Kernel) (string, error)

	// arguments adds QEMU's arguments.
	arguments func(q *qemu.Command, cfg *Config, boot bootFiles)

	// spare returns how much more memory there must be for a dom0 of a size
	// to find a place, in MiB.
	spare func(dom0 int) int

	// blockDevice is QEMU's device of the i-th disk, serialDevice that of the
	// virtio-serial port.
	blockDevice  func(i int) string
	serialDevice string
}

// bootFiles are the files that QEMU loads, and the memory that they want.
type bootFiles struct {
	xen, kernel, initramfs string
	dom0                   int // memory in MiB
}

// machines are the hosts, by Go's name of the architecture.
var machines = map[string]*machine{"amd64": pc, "arm64": virt}

func findMachine(arch string) (*machine, error) {
	m, ok := machines[arch]
	if !ok {
		return nil, fmt.Errorf("xen on %s: want amd64 or arm64", arch)
	}
	return m, nil
}

// addHost adds the arguments that hold for all machines, for cfg and the files
// to boot.
func (m *machine) addHost(q *qemu.Command, cfg *Config, boot bootFiles) {
	m.arguments(q, cfg, boot)
	q.Add("-m", fmt.Sprint(boot.dom0+cfg.Memory+xenMemory+m.spare(boot.dom0)),
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot")
	for i, d := range cfg.Disks {
		sector := d.SectorSize
		if sector == 0 {
			sector = 512
		}
		snapshot := "on"
		if d.Write {
			snapshot = "off"
		}
		q.Add("-drive", fmt.Sprintf("file=%s,if=none,id=disk%d,format=raw,cache=unsafe,snapshot=%s", qemu.Escape(d.File), i, snapshot),
			"-device", fmt.Sprintf("%s,drive=disk%d,logical_block_size=%[3]d,physical_block_size=%[3]d", m.blockDevice(i), i, sector))
	}
}
