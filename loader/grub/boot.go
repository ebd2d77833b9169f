package grub

import (
	"pvboot/loader/image"
)

// bootable is what linux and initrd, or multiboot and module, loaded.
type bootable struct {
	set     bool
	req     image.Request
	kernel  *File
	initrd  []*File
	modules []*File
}

// SetKernel keeps a kernel for boot and forgets an earlier one with its
// initrds. The file stays open until Unload.
func (in *Interp) SetKernel(f *File, cmdline string) {
	in.Unload()
	in.boot = bootable{
		set:    true,
		kernel: f,
		req:    image.Request{Name: f.String(), Kernel: f, CmdLine: cmdline},
	}
}

// SetInitrd keeps the initrds for boot, in this order, instead of earlier
// ones. The files stay open until Unload.
func (in *Interp) SetInitrd(files []*File) {
	closeAll(in.boot.initrd)
	in.boot.initrd = files
	in.boot.req.Initrd = nil
	for _, f := range files {
		in.boot.req.Initrd = append(in.boot.req.Initrd, image.File{Name: f.String(), Data: f})
	}
}

// SetMultiboot keeps a kernel for boot as SetKernel does, but to be started by
// the Multiboot protocol.
func (in *Interp) SetMultiboot(f *File, cmdline string, how image.Multiboot) {
	in.SetKernel(f, cmdline)
	in.boot.req.Multiboot = &how
}

// MultibootVersion is the version of the protocol by which the kernel that
// waits for boot is started, 0 when there is none or it has its own protocol.
func (in *Interp) MultibootVersion() int {
	if in.boot.req.Multiboot == nil {
		return 0
	}
	return in.boot.req.Multiboot.Version
}

// AddModule gives a Multiboot kernel, which must be loaded, one more module.
// The file stays open until Unload.
func (in *Interp) AddModule(f *File, cmdline string, noUnzip bool) {
	in.boot.modules = append(in.boot.modules, f)
	mb := in.boot.req.Multiboot
	mb.Modules = append(mb.Modules, image.Module{
		File: image.File{Name: f.String(), Data: f}, CmdLine: cmdline, NoUnzip: noUnzip,
	})
}

func closeAll(files []*File) {
	for _, f := range files {
		f.Close()
	}
}

// Loaded says whether a kernel waits for boot.
func (in *Interp) Loaded() bool { return in.boot.set }

// Unload forgets the kernel and its initrds.
func (in *Interp) Unload() {
	if in.boot.kernel != nil {
		in.boot.kernel.Close()
	}
	closeAll(in.boot.initrd)
	closeAll(in.boot.modules)
	in.boot = bootable{}
}

// Boot hands what was loaded to the host. When that fails the kernel is
// forgotten, so that nothing tries it again by itself.
func (in *Interp) Boot() error {
	if !in.Loaded() {
		return Errorf(NoKernel, "you need to load the kernel first")
	}
	defer in.Unload()
	if in.tree.failed != nil {
		return in.tree.failed
	}
	in.boot.req.DeviceTree = in.tree.file
	return in.host.Boot(in.ctx, in.boot.req)
}
