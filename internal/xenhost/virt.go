package xenhost

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"pvboot/internal/deb"
	"pvboot/internal/qemu"
)

// virt is the host for arm64: QEMU's own machine without a model in hardware.
// Its devices are virtio-mmio: dom0 sees them in the device tree as they are.
// Linux finds them by rising bus number, while QEMU fills buses from the last
// one down, so disks are given theirs. Debian's cloud kernel starts faster than
// its general one.
var virt = &machine{
	kernel:       "linux-image-cloud-arm64",
	packages:     []string{"libfdt1"},
	modules:      []string{"virtio_mmio"},
	multiarch:    "aarch64-linux-gnu",
	unpackXen:    xenImage,
	unpackKernel: kernelImage,
	arguments:    virtArguments,
	spare:        virtSpare,
	blockDevice:  func(i int) string { return fmt.Sprintf("virtio-blk-device,bus=virtio-mmio-bus.%d", i) },
	serialDevice: "virtio-serial-device",
}

// What an arm64 host has when nothing else is asked for.
const (
	DefaultGIC = 3
	DefaultCPU = "cortex-a57"
)

// Physical addresses of dom0's kernel and initramfs. RAM starts at 1 GiB, with
// Xen; QEMU puts the device tree 128 MiB into it.
const (
	virtKernel    = 0x4820_0000
	virtInitramfs = 0x4c20_0000
)

// virtArguments adds QEMU's arguments for a virt machine with Xen. Each odd
// one has its reason:
//
//   - virtualization=on: EL2, in which Xen runs.
//   - -smp 2: with dom0 and the domain on a processor each.
//   - guest-loader: QEMU writes the nodes of dom0's kernel and initramfs into
//     the device tree (Xen's docs/misc/arm/device-tree/booting.txt).
//   - bootscrub=on: all memory is scrubbed, once dom0 has its own. By default
//     processor 1 scrubs while Xen looks for dom0's memory, and the order in
//     which free memory is then found is a matter of luck: small ones below the first
//     piece are refused, and Xen ends with "Failed to allocate requested dom0 memory".
//   - noreboot: a crash of Xen stays visible.
func virtArguments(q *qemu.Command, cfg *Config, boot bootFiles) {
	gic, cpu := cfg.GIC, cfg.CPU
	if gic == 0 {
		gic = DefaultGIC
	}
	if cpu == "" {
		cpu = DefaultCPU
	}
	q.Add("-machine", fmt.Sprintf("virt,virtualization=on,gic-version=%d", gic),
		"-accel", "tcg,thread=multi", "-smp", "2", "-cpu", cpu,
		"-kernel", boot.xen,
		"-append", fmt.Sprintf("console=dtuart dom0_mem=%dM dom0_max_vcpus=1"+
			" loglvl=warning guest_loglvl=all bootscrub=on noreboot", boot.dom0),
		"-device", fmt.Sprintf("guest-loader,addr=%#x,kernel=%s,bootargs=console=hvc0 quiet mitigations=off nokaslr rodata=off panic=1",
			virtKernel, qemu.Escape(boot.kernel)),
		"-device", fmt.Sprintf("guest-loader,addr=%#x,initrd=%s", virtInitramfs, qemu.Escape(boot.initramfs)))
}

// virtSpare returns the memory, in MiB, that Xen needs beside what it is for:
// dom0's is mapped one to one, and Xen gives it the largest power of two below
// 2 GiB or, when that is no less than 1 GiB, below 4 GiB, and all the rest
// above that. (What QEMU has and nobody touches costs this machine nothing.)
func virtSpare(dom0 int) int {
	if dom0 < 1024 {
		return 1024
	}
	return 3 * 1024
}

// xenImage returns the hypervisor, which Debian packs in no way on arm64.
func xenImage(cfg *Config, root, _ string) (string, error) {
	return wantImage(filepath.Join(root, "boot", "xen-"+cfg.Xen+"-arm64"))
}

// kernelImage returns dom0's kernel, which Debian does not pack either.
func kernelImage(_ *Config, k *deb.Kernel) (string, error) { return wantImage(k.Image) }

// imageMagic stands at imageMagicOffset of an arm64 Image (Linux's
// Documentation/arch/arm64/booting.rst).
const (
	imageMagic       = "ARM\x64"
	imageMagicOffset = 56
)

// wantImage returns the file's name when the file is an arm64 Image.
func wantImage(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var magic [len(imageMagic)]byte
	if _, err := f.ReadAt(magic[:], imageMagicOffset); err != nil && err != io.EOF {
		return "", err
	}
	if string(magic[:]) != imageMagic {
		return "", fmt.Errorf("%s: no arm64 Image: magic % x at %d, want % x", file, magic, imageMagicOffset, imageMagic)
	}
	return file, nil
}
