package xentest

import (
	"fmt"

	"pvboot/xen"
)

// Memory is the RAM of a guest that is no Go code beside the machine but runs on
// a processor of its own kind, under a hypervisor that has the machine answer
// its hypercalls. What stands at a gfn is then to be seen through the second
// stage of translation, of which Map and Unmap are told.
//
// Such a guest is of Arm's rules (Config.Arm), and takes the frames that it
// shares out of RAM by itself.
type Memory struct {
	RAM  []byte // whole pages, the first of which is aligned as pages are
	Base uint64 // gfn of the first
	// Store and Console are the gfns of the rings' pages, outside RAM.
	Store, Console uint64
	// Map puts a page at gfn, in place of what is there. An error is that gfn
	// cannot be reached, or that there is no memory left for tables.
	Map func(gfn uint64, page []byte) error
	// Unmap leaves nothing at gfn.
	Unmap func(gfn uint64)
}

// place puts f at gfn. With mu held.
func (m *Machine) place(gfn uint64, f frame) error {
	if r := m.c.Memory; r != nil {
		if err := r.Map(gfn, f.page); err != nil {
			return fmt.Errorf("xentest: gfn %#x: %w", gfn, err)
		}
	}
	m.p2m[gfn] = f
	return nil
}

// takeAway takes what place has put at gfn. With mu held.
func (m *Machine) takeAway(gfn uint64) {
	delete(m.p2m, gfn)
	if r := m.c.Memory; r != nil {
		r.Unmap(gfn)
	}
}

// takeRAM makes a hole where RAM was. With mu held.
func (m *Machine) takeRAM(gfn uint64) {
	i, _ := m.ram.place(gfn)
	m.ram.hole[i] = true
	if r := m.c.Memory; r != nil {
		r.Unmap(gfn)
	}
}

// giveRAM fills the hole at gfn. With mu held.
func (m *Machine) giveRAM(gfn uint64) error {
	i, _ := m.ram.place(gfn)
	m.ram.hole[i] = false
	if r := m.c.Memory; r != nil {
		if err := r.Map(gfn, m.ram.page(gfn)); err != nil {
			m.ram.hole[i] = true
			return err
		}
	}
	return nil
}

// View returns n bytes of RAM from guest-physical address addr on; false unless
// all of them are there. It is how a hypervisor reaches what a guest points to.
func (m *Machine) View(addr, n uint64) ([]byte, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	base := m.ram.base * xen.PageSize
	size := uint64(len(m.ram.bytes))
	if m.ram.mfns != nil || addr < base || addr-base > size || n > size-(addr-base) {
		return nil, false
	}
	at := addr - base
	for i := at / xen.PageSize; i*xen.PageSize < at+n; i++ {
		if m.ram.hole[i] {
			return nil, false
		}
	}
	return m.ram.bytes[at : at+n : at+n], true
}
