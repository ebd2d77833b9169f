package hypercall

// Trap makes hypercall op with five integer arguments and returns its result:
// a negated Xen errno (public/errno.h) when negative. It allocates nothing,
// needs little stack and may be called from anywhere, a fault handler
// included.
//
// It uses the processor's own instruction, VMCALL on Intel and its kin and
// VMMCALL on AMD and Hygon, and no hypercall page (Xen
// docs/guest-guide/x86/hypercall-abi.rst). The first call asks CPUID which;
// where no Xen answers (leaves 0x40000000 + 0x100n), every call returns
// -ENOSYS. In a PV domain, which [SetPV] tells of, it is SYSCALL, of which rcx
// and r11 do not survive.
func Trap(op Op, a1, a2, a3, a4, a5 uintptr) int64

// Present reports whether this program runs under Xen, as CPUID says.
func Present() bool

// SetPV says that this program is the kernel of a PV domain. Package arch/amd64
// calls it once, at the start.
func SetPV()
