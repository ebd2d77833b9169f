package pagetable

// Radix is the Power architecture's radix tree, as POWER9 has it: 52 bits of
// addresses, of which the topmost table translates 13, tables of 512 entries below
// it, and big-endian entries. Only the lowest 48 bits are mapped.
//
// Source: Power ISA 3.0B, book III, 5.7.10 "Radix Tree Translation": "Radix Tree
// Page Directory Entry", "Radix Tree Page Table Entry".
var Radix = Format{
	Levels:    4,
	Limit:     1 << 48,
	Largest:   1,
	Root:      RadixRoot,
	BigEndian: true,
	Address:   0x00ff_ffff_ffff_f000,

	Valid:     radixValid,
	Table:     radixValid | radixNextBits,
	TableMask: radixValid | radixLeaf | 0x1f,
	Block:     radixValid | radixLeaf | radixReference | radixChange,
	Page:      radixValid | radixLeaf | radixReference | radixChange,
	Kinds: [...]uint64{
		Normal: radixPrivileged | radixRead | radixWrite | radixExecute,
		// Non-idempotent: caching inhibited, guarded.
		Device: 2<<4 | radixPrivileged | radixRead | radixWrite,
	},
	KindMask: 3<<4 | radixPrivileged | radixRead | radixWrite | radixExecute,
}

const (
	// RadixRoot is the size and alignment of the topmost table in bytes, and
	// RadixRootBits how many bits of an address it translates.
	RadixRoot     = 1 << (RadixRootBits + 3)
	RadixRootBits = 13
)

// Bits of an entry.
const (
	radixValid      = 1 << 63
	radixLeaf       = 1 << 62
	radixReference  = 1 << 8
	radixChange     = 1 << 7
	radixPrivileged = 1 << 3
	radixRead       = 1 << 2
	radixWrite      = 1 << 1
	radixExecute    = 1 << 0
	// radixNextBits is how many bits the next table translates.
	radixNextBits = 9
)
