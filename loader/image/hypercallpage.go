package image

import "encoding/binary"

// hypercallPage is the page of stubs that Xen puts where a PV kernel's note
// HYPERCALL_PAGE says: 32 bytes for each hypercall's number, by which it is
// made with rcx and r11 preserved (xen/arch/x86/pv/hypercall.c).
func hypercallPage() []byte {
	const (
		stub = 32
		iret = 23 // __HYPERVISOR_iret
		int3 = 0xcc
	)
	page := make([]byte, pageSize)
	for i := range page {
		page[i] = int3
	}
	for nr := range uint32(pageSize / stub) {
		b := []byte{0x51, 0x41, 0x53} // push %rcx; push %r11
		if nr == iret {
			b = append(b, 0x50) // push %rax: a frame for Xen, which does not come back
		}
		b = append(b, 0xb8) // mov $nr,%eax
		b = binary.LittleEndian.AppendUint32(b, nr)
		b = append(b, 0x0f, 0x05) // syscall
		if nr != iret {
			b = append(b, 0x41, 0x5b, 0x59, 0xc3) // pop %r11; pop %rcx; ret
		}
		copy(page[nr*stub:], b)
	}
	return page
}
