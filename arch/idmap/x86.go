package idmap

// Entry bits of every level.
const (
	present  = 1 << 0
	writable = 1 << 1
	large    = 1 << 7 // PS: the entry maps a page
)

// X86 is x86-64's format: writable and executable, in the lower half of the
// address space (Intel SDM volume 3A, section 5.5 "4-Level Paging", tables 5-15
// to 5-18; AMD APM volume 2, section 5.3 "Long-Mode Page Translation").
var X86 = Format{
	Table: present | writable,
	Page:  present | writable | large,
	Limit: 1 << 47,
}
