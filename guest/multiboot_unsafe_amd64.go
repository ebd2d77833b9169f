package guest

import "unsafe"

// readBootInfo fills start from the information that a Multiboot 2 boot loader
// left at addr; false when it left none. What it does not tell comes from Xen:
// the memory map, and in its ranges for ACPI the root pointer, of which
// Multiboot 2 has a copy at best.
func readBootInfo(addr uintptr, magic uint32) bool {
	head := (*uint32)(physical(uint64(addr), unsafe.Sizeof(uint32(0))))
	if magic != mb2BootMagic || head == nil || addr%mb2Align != 0 {
		return false
	}
	size := *head
	if size > mb2MaxInfo || physical(uint64(addr), uintptr(size)) == nil {
		return false
	}
	if !readMultiboot(memory(uint64(addr), int(size)), &start) {
		return false
	}
	told := start.memory
	start.memory.n = 0
	if readMemoryMap(); start.memory.n == 0 {
		start.memory = told
	}
	start.memory.sort()
	start.rsdp = searchRSDP(start.memory.list(), viewLow)
	return start.memory.n > 0
}

// viewLow sees memory below 4 GiB.
func viewLow(addr, size uint64) []byte {
	if physical(addr, uintptr(size)) == nil {
		return nil
	}
	return memory(addr, int(size))
}
