package grub

import (
	"pvboot/loader/image"
)

// bootable is what linux and initrd loaded.
type bootable struct {
	set    bool
	req    image.Request
	kernel *File
	initrd []*File
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
		in.boot.req.Initrd = append(in.boot.req.Initrd, image.Initrd{Name: f.String(), Data: f})
	}
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
