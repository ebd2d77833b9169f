package pagetable

// Sv39 is RISC-V's format with three levels, for S-mode. Only its lower half is
// mapped, as addresses above are sign-extended. What is memory and what is
// registers is an attribute of the physical address (PMA), so that the kinds
// differ only in what can be fetched from.
//
// Source: The RISC-V Instruction Set Manual, volume II: Privileged Architecture,
// "Sv39: Page-Based 39-bit Virtual-Memory System". A and D are set: a processor
// may fault, instead of setting them, where they are clear.
var Sv39 = Format{
	Levels:  3,
	Limit:   1 << 38,
	Largest: 0,
	Address: 0x003f_ffff_ffff_fc00, // physical page numbers
	Shift:   2,

	Valid:     svValid,
	Table:     svValid,
	TableMask: svValid | svRead | svWrite | svExecute,
	Block:     svValid | svAccessed | svDirty,
	Page:      svValid | svAccessed | svDirty,
	Kinds: [...]uint64{
		Normal: svRead | svWrite | svExecute,
		Device: svRead | svWrite,
	},
	KindMask: svRead | svWrite | svExecute,
}

// Bits of an entry.
const (
	svValid    = 1 << 0
	svRead     = 1 << 1
	svWrite    = 1 << 2
	svExecute  = 1 << 3
	svAccessed = 1 << 6
	svDirty    = 1 << 7
)
