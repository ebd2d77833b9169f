package image

// arm64's Image (Linux Documentation/arch/arm64/booting.rst).
const (
	a64PageShift = 1 // in flags, 2 bits: unspecified, 4K, 16K, 64K
	a64OldOffset = 0x80000
	// An initrd lies with the kernel in a window of 32 GiB whose borders are
	// multiples of 1 GiB; before 4.2 the device tree lies in the 512 MiB from
	// the kernel's base on (booting.rst, "Setup the device tree").
	a64Window      = 32 << 30
	a64WindowAlign = 1 << 30
	a64TreeReach   = 512 << 20
)

var arm64Image = linuxImage{
	name: "arm64 Image", magic: "ARM\x64", offsetAlign: 4, cmdLineMax: 2047,
	adjust: func(h *linuxHeader) error {
		if h.imageSize == 0 {
			// Before 3.17 the byte order of text_offset was the kernel's.
			h.textOffset, h.flags = a64OldOffset, 0
		}
		h.kind += []string{"", ", 4K pages", ", 16K pages", ", 64K pages"}[h.flags>>a64PageShift&3]
		return nil
	},
	initrd: func(p placed) []window {
		return []window{p.bank, windowUp(p.kernel.Start), windowDown(p.kernel.End())}
	},
	tree: func(p placed) []window {
		return []window{p.bank.below(p.base + a64TreeReach), p.bank, anywhere}
	},
	enter: func(_ Machine, kernel, tree uint64) Entry {
		return Entry{Mode: EL1, PC: kernel, Regs: map[string]uint64{"x0": tree, "x1": 0, "x2": 0, "x3": 0}}
	},
}

// windowUp and windowDown are the windows that an initrd may lie in besides a
// kernel which begins or ends at addr.
func windowUp(addr uint64) window {
	lo := addr &^ (a64WindowAlign - 1)
	return window{lo, lo + a64Window}
}

func windowDown(addr uint64) window {
	hi, _ := alignUp(addr, a64WindowAlign)
	return window{hi - min(hi, a64Window), hi}
}
