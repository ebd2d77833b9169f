package xenhost

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"pvboot/internal/cache"
	"pvboot/internal/deb"
	"pvboot/internal/qemu"
	"pvboot/internal/vmlinux"
)

// pc is the host for amd64.
var pc = &machine{
	kernel:       "linux-image-amd64",
	modules:      []string{"virtio_pci"},
	multiarch:    "x86_64-linux-gnu",
	unpackXen:    unpackXenELF,
	unpackKernel: unpackVmlinux,
	arguments:    pcArguments,
	spare:        func(int) int { return 0 },
	blockDevice:  func(int) string { return "virtio-blk-pci" },
	serialDevice: "virtio-serial-pci",
}

// pcCPU is the processor of a PC:
//
//   - npt: Debian's Xen has no shadow paging, so PVH needs nested paging.
//   - family=23: Xen's PV shim crashes on qemu64's own family.
//   - qemu64 has neither SMAP, with which a PV dom0 dies under TCG, nor
//     RDTSCP, with which PVH domains die.
const pcCPU = "qemu64,+npt,family=23,model=1,stepping=2"

// pcArguments adds QEMU's arguments for a PC with Xen. Each odd one has its
// reason:
//
//   - spec-ctrl, pv-l1tf, xpti: mitigations cost time and protect nobody here.
//   - noreboot: a crash of Xen stays visible.
//
// Not among them is bootscrub=no: a domain would find leftovers of the boot in its
// memory, which on a real host is zero.
func pcArguments(q *qemu.Command, cfg *Config, boot bootFiles) {
	cpu := pcCPU
	if cfg.CPU != "" {
		cpu = cfg.CPU
	}
	q.Add("-machine", "q35", "-accel", "tcg", "-smp", "1", "-cpu", cpu,
		"-kernel", boot.xen,
		"-append", fmt.Sprintf("console=com1 com1=115200,8n1 dom0_mem=%[1]dM,max:%[1]dM dom0_max_vcpus=1"+
			" loglvl=warning guest_loglvl=all spec-ctrl=no pv-l1tf=false xpti=no watchdog=0 noreboot", boot.dom0),
		"-initrd", qemu.Escape(boot.kernel)+" console=hvc0 quiet mitigations=off nokaslr rodata=off panic=1,"+qemu.Escape(boot.initramfs))
}

// unpackXenELF returns the hypervisor, unzipped: QEMU loads only ELF files.
func unpackXenELF(cfg *Config, root, key string) (string, error) {
	dir, err := cfg.Cache.Build("xen", cache.Key(layout, cfg.Xen, key), func(dir string) error {
		f, err := os.Open(filepath.Join(root, "boot", "xen-"+cfg.Xen+"-amd64.gz"))
		if err != nil {
			return err
		}
		defer f.Close()
		z, err := gzip.NewReader(bufio.NewReader(f))
		if err != nil {
			return err
		}
		data, err := io.ReadAll(z)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, "xen"), data, 0o644)
	})
	return filepath.Join(dir, "xen"), err
}

// unpackVmlinux returns dom0's kernel as an ELF file, so that Xen, which is
// slow under emulation, need not decompress it at each start.
func unpackVmlinux(cfg *Config, k *deb.Kernel) (string, error) {
	dir, err := cfg.Cache.Build("vmlinux", cache.Key(layout, k.Package), func(dir string) error {
		bz, err := os.ReadFile(k.Image)
		if err != nil {
			return err
		}
		elf, err := vmlinux.Extract(bz)
		if err != nil {
			return fmt.Errorf("%s: %w", k.Image, err)
		}
		return os.WriteFile(filepath.Join(dir, "vmlinux"), elf, 0o644)
	})
	return filepath.Join(dir, "vmlinux"), err
}
