package grub

import (
	"bytes"

	"pvboot/internal/fdt"
	"pvboot/loader/image"
)

// deviceTree is what the devicetree command loaded. As in GRUB it does not
// belong to a kernel: a configuration may load it before or after one, or once
// for all entries.
type deviceTree struct {
	file   *image.File // nil for the machine's own
	failed error       // what Boot says of a file that could not be loaded
}

// LoadDeviceTree reads a flattened device tree for the boots to come, instead
// of the machine's own. When that fails Boot refuses to go on without it, as
// long as the entry runs and no other tree is chosen.
func (in *Interp) LoadDeviceTree(name string) error {
	in.tree = deviceTree{failed: Errorf(BadOS, "device tree `%s' is not loaded", name)}
	f, err := in.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	in.Charge(20 + int(min(max(f.Size(), 0), fdt.MaxSize)/256))
	b, err := f.ReadAll(fdt.MaxSize)
	if err != nil {
		return err
	}
	tree, err := fdt.Parse(b)
	if err != nil {
		return Errorf(BadOS, "`%s': %w", f, err)
	}
	in.tree = deviceTree{file: &image.File{Name: f.String(), Data: bytes.NewReader(tree.Bytes())}}
	return nil
}

// UnloadDeviceTree goes back to the machine's own device tree.
func (in *Interp) UnloadDeviceTree() { in.tree = deviceTree{} }

// keepDeviceTree lets an entry choose a device tree of its own: errors of
// before do not count in it, and the function that it returns brings back
// what was chosen before.
func (in *Interp) keepDeviceTree() (restore func()) {
	before := in.tree
	in.tree.failed = nil
	return func() { in.tree = before }
}
