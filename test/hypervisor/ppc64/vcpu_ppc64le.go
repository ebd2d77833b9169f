package ppc64

import (
	"fmt"
	"io"
	"time"

	arch "pvboot/arch/ppc64"
	"pvboot/test/hypervisor/stage2"
	"pvboot/xen/xentest/hypervisor"
)

// Vectors of interrupts that come to the hypervisor (6.4 "Interrupt Definitions").
const (
	vectorDecrementer = 0x980 // of the hypervisor
	vectorCall        = 0xc00
	vectorData        = 0xe00 // a fault of the second stage
	vectorCode        = 0xe20
	vectorEmulation   = 0xe40
	vectorFacility    = 0xf80
)

// names are those of what a guest must not do.
var names = map[uint64]string{vectorData: "load or store", vectorEmulation: "instruction", vectorFacility: "facility"}

// Bits of the registers that the guest starts with, and of HDSISR.
const (
	lpcrAIL   = 3 << 23
	lpcrUPRT  = 1 << 22
	lpcrHR    = 1 << 20
	lpcrHDICE = 1
	msrStart  = arch.MSRSF | arch.MSRME | arch.MSRRI | arch.MSRLE
	hdsisrST  = 1 << 25 // a store
)

// xenMark is what all bits above a hypercall's number are.
const xenMark = ^uint64(0xffff)

const slice = 4 * time.Millisecond

// VCPU is the guest's only processor.
type VCPU struct {
	s    state
	papr papr
}

// VCPU implements the generic part's interface.
var _ hypervisor.VCPU = (*VCPU)(nil)

// New makes the processor, about to enter a kernel as kexec does: r3 is the device
// tree, r4 where the kernel lies, r5 is 0 (Linux arch/powerpc/kernel/head_64.S). The
// time base has hz ticks a second.
func New(tables *stage2.Tables, entry, tree, hz uint64, console io.Writer) *VCPU {
	v := &VCPU{}
	v.s.pc, v.s.msr = entry, msrStart
	v.s.r[3], v.s.r[4] = tree, entry
	v.s.slice = hz * uint64(slice) / uint64(time.Second)
	v.s.lpcr = setUp()&^lpcrAIL | lpcrUPRT | lpcrHR | lpcrHDICE
	v.papr.out = func(p []byte) { _, _ = console.Write(p) } // nobody can be told
	v.papr.setTable = func(entry uint64) {
		putEntry(arch.PartitionTable(), tables.Root(), entry)
		flushGuest()
	}
	for _, vector := range []uint32{vectorDecrementer, vectorCall, vectorData, vectorCode, vectorEmulation, 0xe60, 0xe80, 0xea0, vectorFacility} {
		code := vectorCodeAt(vector, uint32(exitCode()))
		putCode(uint64(vector), &code[0], len(code))
	}
	v.papr.setTable(0)
	return v
}

// vectorCodeAt is the code of a vector: it saves R3 in HSPRG0, loads it with the
// vector's number, and branches to exit, which lies within 32 MiB.
func vectorCodeAt(vector, exit uint32) [3]uint32 {
	const hsprg0 = 304
	return [3]uint32{
		31<<26 | 3<<21 | (hsprg0&31<<5|hsprg0>>5)<<11 | 467<<1, // mtspr
		14<<26 | 3<<21 | vector,                                // addi 3,0,vector
		18<<26 | (exit-vector-8)&0x3fffffc,                     // b
	}
}

// Flush makes the processor see changed tables.
func Flush() { flushGuest() }

// Attach tells the processor of the guest's keys.
func (v *VCPU) Attach(h *hypervisor.Hypervisor) { v.papr.key = h.Key }

// SetResult implements [hypervisor.VCPU].
func (v *VCPU) SetResult(ret int64) { v.s.r[3] = uint64(ret) }

// Run implements [hypervisor.VCPU].
func (v *VCPU) Run(e *hypervisor.Exit) {
	for e.Kind == 0 {
		enter(&v.s)
		v.handle(e)
	}
	e.PC = v.s.pc
}

// handle looks at the interrupt. It leaves e alone when the guest is to go on.
func (v *VCPU) handle(e *hypervisor.Exit) {
	switch v.s.vector {
	case vectorDecrementer:
		e.Kind = hypervisor.ExitTime
	case vectorCall:
		if v.s.r[3]&xenMark == xenMark {
			e.Kind, e.Op = hypervisor.ExitCall, v.s.r[3]&^xenMark
			copy(e.Args[:], v.s.r[4:])
			return
		}
		v.papr.call(&v.s.r)
	case vectorCode:
		e.Kind, e.Addr = hypervisor.ExitExecute, v.s.asdr&^(pageSize-1)|v.s.pc&(pageSize-1)
	case vectorData:
		e.Kind, e.Addr, e.What = hypervisor.ExitFault, v.s.asdr&^(pageSize-1)|v.s.hdar&(pageSize-1), "load"
		if v.s.hdsisr&hdsisrST != 0 {
			e.What = "store"
		}
	default:
		e.Kind, e.Addr, e.What = hypervisor.ExitFault, v.s.pc, names[v.s.vector]
		if e.What == "" {
			e.What = fmt.Sprintf("interrupt %#x", v.s.vector)
		}
	}
}
