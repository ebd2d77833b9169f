package idmap

// Descriptor bits.
const (
	valid     = 1 << 0
	table     = 1 << 1  // with valid, above the last level: the next table
	attrIndex = 0 << 2  // MAIR_EL1's Attr0
	readWrite = 0 << 6  // AP[2:1]: EL1 alone, read and write
	inner     = 3 << 8  // SH: inner shareable
	accessed  = 1 << 10 // AF: no fault at the first use
	userNever = 1 << 54 // UXN
)

// AArch64 is the format of stage 1 with a 4 KiB granule: memory of MAIR_EL1's
// Attr0, inner shareable, for EL1 to read, write and execute (Arm ARM, DDI 0487,
// chapter D8 "The AArch64 Virtual Memory System Architecture": "VMSAv8-64
// translation using the 4KB granule", "Table descriptor format", "Block
// descriptor and Page descriptor formats").
var AArch64 = Format{
	Table: table | valid,
	Page:  valid | attrIndex | readWrite | inner | accessed | userNever,
	Limit: 1 << 48,
}
