package pagetable

// AArch64 is stage 1 with a 4 KiB granule and 48 bits of addresses, at EL1 only,
// with the indices of arch/arm64's MAIR_EL1. A valid descriptor that stays as it
// is needs no break-before-make.
//
// Source: Arm ARM (DDI 0487), chapter D8 "The AArch64 Virtual Memory System
// Architecture": "VMSAv8-64 translation using the 4KB granule", "Table
// descriptor format", "Block descriptor and Page descriptor formats".
var AArch64 = Format{
	Levels:  4,
	Limit:   1 << 48,
	Largest: 1,
	Address: 0x0000_ffff_ffff_f000,

	Valid:     armValid,
	Table:     armTableOrPage | armValid,
	TableMask: armTableOrPage | armValid,
	Block:     armAccessed | armValid,
	Page:      armAccessed | armTableOrPage | armValid,
	Kinds: [...]uint64{
		// Write-back, inner shareable, executable at EL1.
		Normal: 0<<2 | 3<<8 | armUserNever,
		// Device-nGnRE: in order.
		Device: 1<<2 | armUserNever | armPrivilegedNever,
	},
	KindMask: 7<<2 | 3<<8 | armUserNever | armPrivilegedNever,
}

// Descriptor bits.
const (
	armValid           = 1 << 0
	armTableOrPage     = 1 << 1 // a table above the last level, there a page
	armAccessed        = 1 << 10
	armPrivilegedNever = 1 << 53
	armUserNever       = 1 << 54
)
