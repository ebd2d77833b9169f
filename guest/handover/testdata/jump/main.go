// Jump is a boot loader without disks: it boots the kernel and initrd that lie
// in its own ramdisk, a cpio archive.
//
//	jump KERNEL INITRD [COMMAND LINE…]
package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"pvboot/guest"
	"pvboot/guest/handover"
	"pvboot/loader/image"
)

func main() {
	if err := jump(os.Args[1], os.Args[2], strings.Join(os.Args[3:], " ")); err != nil {
		fmt.Fprintln(os.Stderr, "jump:", err)
		os.Exit(1)
	}
}

// file is an image.Source.
type file struct {
	*os.File
	size int64
}

func (f file) Size() int64 { return f.size }

func open(name string) (image.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return image.File{}, err
	}
	info, err := f.Stat()
	if err != nil {
		return image.File{}, err
	}
	return image.File{Name: name, Data: file{f, info.Size()}}, nil
}

func jump(kernel, initrd, cmdLine string) error {
	k, err := open(kernel)
	if err != nil {
		return err
	}
	i, err := open(initrd)
	if err != nil {
		return err
	}
	start := guest.Start()
	plan, err := image.Build(image.Request{Name: k.Name, Kernel: k.Data, CmdLine: cmdLine, Initrd: []image.File{i},
		Machine: image.Machine{Arch: runtime.GOARCH, Memory: ranges(start.Memory), RSDP: start.RSDP, DeviceTree: start.DeviceTree}})
	if err != nil {
		return err
	}
	own := ranges(guest.Own())
	for _, m := range start.Modules { // what is read from
		const page = 4096
		first, end := m.Start&^(page-1), (m.Start+m.Size+page-1)&^(page-1)
		own = append(own, image.Range{Start: first, Size: end - first, Type: image.RAM})
	}
	loaded, err := handover.Load(plan, handover.Ground{Own: own, Free: ranges(guest.Free()), View: guest.Platform().View})
	if err != nil {
		return err
	}
	fmt.Printf("jump: %s at %#x %v\n", plan.Kind, plan.Entry.PC, plan.Entry.Regs)
	return loaded.Jump()
}

func ranges(list []guest.Range) []image.Range {
	out := make([]image.Range, len(list))
	for i, r := range list {
		out[i] = image.Range{Start: r.Start, Size: r.Size, Type: image.MemoryType(r.Type)}
	}
	return out
}
