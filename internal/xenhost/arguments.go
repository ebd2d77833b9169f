package xenhost

import (
	"fmt"

	"pvboot/internal/qemu"
)

// Memory, in MiB.
const (
	dom0Memory = 320
	xenMemory  = 320 // Xen's own, and a domain's overhead

	pygrubMemory = 256 // dom0's, for Python and the domain's kernel
)

// arguments are QEMU's for a PC with Xen. Each odd one has its reason:
//
//   - npt: Debian's Xen has no shadow paging, so PVH needs nested paging.
//   - family=23: Xen's PV shim crashes on qemu64's own family.
//   - qemu64 has neither SMAP, with which a PV dom0 dies under TCG, nor
//     RDTSCP, with which PVH domains die.
//   - spec-ctrl, pv-l1tf, xpti: mitigations cost time and protect nobody here.
//   - noreboot: a crash of Xen stays visible.
func arguments(q *qemu.Command, cfg *Config, xen, kernel, initramfs string, dom0 int) {
	q.Add("-machine", "q35", "-accel", "tcg", "-smp", "1",
		"-cpu", "qemu64,+npt,family=23,model=1,stepping=2",
		"-m", fmt.Sprint(dom0+cfg.Memory+xenMemory),
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-kernel", xen,
		"-append", fmt.Sprintf("console=com1 com1=115200,8n1 dom0_mem=%[1]dM,max:%[1]dM dom0_max_vcpus=1"+
			" loglvl=warning guest_loglvl=all spec-ctrl=no pv-l1tf=false xpti=no watchdog=0 noreboot bootscrub=no", dom0),
		"-initrd", qemu.Escape(kernel)+" console=hvc0 quiet mitigations=off nokaslr rodata=off panic=1,"+qemu.Escape(initramfs))
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
			"-device", fmt.Sprintf("virtio-blk-pci,drive=disk%d,logical_block_size=%[2]d,physical_block_size=%[2]d", i, sector))
	}
}
