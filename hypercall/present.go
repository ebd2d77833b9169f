//go:build arm64 || riscv64 || ppc64le || ppc64

package hypercall

// Nothing tells a guest of these architectures of Xen but its device tree.

// Present reports whether this program runs under Xen, as [SetPresent] has
// it.
func Present() bool { return present != 0 }

// SetPresent says that Xen is below this program. Package guest calls it once,
// at the start, when the device tree has a node that is compatible with
// "xen,xen" (Xen docs/misc/arm/device-tree/guest.txt).
func SetPresent() { present = 1 }

// present is read by Trap.
var present uint32
