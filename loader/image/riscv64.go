package image

import "errors"

// rv64Reach is how much memory, from the start of RAM on, a kernel uses with the
// smallest page tables (Linux arch/riscv/mm/init.c, setup_vm, memory_limit, and
// Documentation/arch/riscv/vm-layout.rst, Sv39).
const rv64Reach = 124 << 30

// riscv64Image is riscv64's Image (Linux Documentation/arch/riscv/
// boot-image-header.rst), known by the second magic number, which headers have
// since version 0.2. It lies at a border of 2 MiB (boot.rst, "Kernel location");
// SBI firmware has the start of RAM.
var riscv64Image = linuxImage{
	name: "riscv64 Image", magic: "RSC\x05", offsetAlign: linuxAlign, cmdLineMax: 1023,
	baseBelow: true,
	adjust: func(h *linuxHeader) error {
		if h.imageSize == 0 {
			return errors.New("image_size is 0")
		}
		return nil
	},
	initrd: rv64Windows,
	// Before it knows of memory the kernel maps two blocks of 2 MiB for the tree,
	// wherever it is (arch/riscv/mm/init.c, create_fdt_early_page_table).
	tree: rv64Windows,
	enter: func(m Machine, kernel, tree uint64) Entry {
		return Entry{Mode: SMode, PC: kernel, Regs: map[string]uint64{"a0": m.Hart, "a1": tree}}
	},
}

// rv64Windows is the memory that a kernel can use: what lies above it before what
// lies below, which kernels before 6.4 leave alone.
func rv64Windows(p placed) []window {
	// What firmware has of the first block counts too.
	used := window{p.ram, p.ram&^(linuxAlign-1) + rv64Reach}
	above := window{p.kernel.End(), used.hi}
	return []window{{above.lo, min(p.bank.hi, above.hi)}, above, used}
}
