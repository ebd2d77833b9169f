package image

import (
	"errors"
	"fmt"
	"io"
)

// headSize is how much of a kernel file a format may look at to know it.
const headSize = 4096

// A format makes a Plan of one kind of kernel file.
type format struct {
	name string
	arch string // GOARCH's name
	// packed says that such kernels come compressed and are unpacked by the
	// loader.
	packed bool
	// fromZero says that such kernels may lie at address 0.
	fromZero bool
	is       func(head []byte) bool
	plan     func(req Request, head []byte) (*Plan, error)
}

// formats in the order in which they are tried. A new one is one line here.
var formats = []format{
	{name: "bzImage", arch: "amd64", is: isBzImage, plan: planBzImage},
	{name: "ELF", arch: "amd64", packed: true, is: isELF, plan: planELF},
	{name: arm64Image.name, arch: "arm64", packed: true, is: arm64Image.is, plan: arm64Image.plan},
	{name: riscv64Image.name, arch: "riscv64", packed: true, is: riscv64Image.is, plan: riscv64Image.plan},
	{name: "ELF", arch: "ppc64le", packed: true, fromZero: true, is: isPower, plan: planPower},
}

// ErrFormat is the cause when no format knows a kernel file.
var ErrFormat = errors.New("not a kernel of a known format")

// ErrPVMultiboot is the cause when a kernel shall be started by Multiboot 2, or
// with modules, in a PV domain, which has no mode of the processor for it.
var ErrPVMultiboot = errors.New("a PV domain cannot start a kernel by this protocol")

// formats are those whose kernels the machine can start.
func (m Machine) formats() []format {
	if m.PV != nil {
		return pvFormats
	}
	return formats
}

// ErrArch is the cause when a kernel is another architecture's.
var ErrArch = errors.New("kernel of another architecture")

// Build makes the plan that boots req. Errors name the kernel file and the
// cause; no memory has been touched.
func Build(req Request) (*Plan, error) {
	head := make([]byte, min(headSize, max(req.Kernel.Size(), 0)))
	if _, err := req.Kernel.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", req.Name, err)
	}
	file, head, wraps, err := unwrap(req.Name, req.Kernel, head)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", req.Name, err)
	}
	req.Kernel = file
	if mb := req.Multiboot; mb != nil && req.Machine.PV != nil {
		// GRUB's command multiboot loads PV kernels there, as linux does.
		if mb.Version != 1 || len(mb.Modules) > 0 {
			return nil, fmt.Errorf("%s: Multiboot: %w", req.Name, ErrPVMultiboot)
		}
		req.Multiboot = nil
	}
	if req.Multiboot != nil {
		return buildAs(req, format{name: "Multiboot", plan: planMultiboot}, head, wraps)
	}
	for _, f := range req.Machine.formats() {
		if !f.is(head) {
			continue
		}
		if f.arch != req.Machine.Arch {
			return nil, fmt.Errorf("%s: %w: %s (%s) on %s", req.Name, ErrArch, f.name, f.arch, req.Machine.Arch)
		}
		if wraps != "" && !f.packed {
			return nil, fmt.Errorf("%s: %s: %s kernels are not unpacked", req.Name, wraps, f.name)
		}
		return buildAs(req, f, head, wraps)
	}
	if wraps != "" {
		return nil, fmt.Errorf("%s: %s: %w", req.Name, wraps, ErrFormat)
	}
	return nil, fmt.Errorf("%s: %w", req.Name, ErrFormat)
}

// buildAs makes the plan by one format.
func buildAs(req Request, f format, head []byte, wraps string) (*Plan, error) {
	plan, err := f.plan(req, head)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", req.Name, err)
	}
	if err := plan.check(req.Machine, f.fromZero); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", req.Name, f.name, err)
	}
	if wraps != "" {
		plan.Kind += " (" + wraps + ")"
	}
	return plan, nil
}

// check holds a plan against its promises: segments in RAM and disjoint.
func (p *Plan) check(m Machine, fromZero bool) error {
	mem := newSpace(m.Memory)
	if m.PV != nil || fromZero {
		mem = ramOf(m.Memory)
	}
	for _, s := range p.Segments {
		if s.Data != nil && uint64(s.Data.Size()) > s.Size {
			return fmt.Errorf("segment %s: %d bytes of data in %d of memory", s.Name, s.Data.Size(), s.Size)
		}
		if !mem.contains(s.Range()) {
			return fmt.Errorf("segment %s: %#x-%#x is not free RAM", s.Name, s.Addr, s.Range().End())
		}
		mem.take(s.Range())
	}
	return nil
}
