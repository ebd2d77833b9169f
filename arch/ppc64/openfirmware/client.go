// Package openfirmware makes a flattened device tree of what Open Firmware keeps
// as packages, instantiates the run-time abstraction services (RTAS), and leaves
// the firmware for good: what a program that it has started must do before it
// takes the machine over. It runs before there is a heap and allocates nothing.
//
// Sources: IEEE 1275-1994, 6.3 "Client interface"; its PowerPC processor binding,
// 10 "Client interface requirements"; LoPAR, appendix B "RTAS and Open Firmware";
// Devicetree Specification v0.4, chapter 5 "Flattened Devicetree (DTB) Format".
package openfirmware

import "encoding/binary"

// Client calls the firmware.
type Client struct {
	// Call calls the client interface with the physical address of an argument
	// array.
	Call func(args uint64)
	// Memory is where arguments are put and the tree is made, at physical
	// address Base below 4 GiB.
	Memory []byte
	Base   uint64
}

// What Memory is used for, besides the tree.
const (
	atArgs    = 0   // of 32-bit cells: service, how many arguments and results, they
	atService = 64  // its name
	atName    = 96  // of a property, device or method
	atNext    = 160 // what nextprop returns
	atPath    = 224
	atTree    = 1024

	maxName = 63
	maxPath = atTree - atPath - 1
)

// Cells that mean no package, instance or memory.
const none = 1<<32 - 1

func (c *Client) cell(i int) []byte { return c.Memory[atArgs+4*i:] }

// put stores a string with a 0 at its end, and returns its address. It is cut
// where the room ends.
func (c *Client) put(at, room int, s string) uint32 {
	n := copy(c.Memory[at:at+room-1], s)
	c.Memory[at+n] = 0
	return uint32(c.Base) + uint32(at)
}

// do calls a service and returns its first result; results are how many there
// are, at least one.
func (c *Client) do(service string, results int, args ...uint32) uint32 {
	const first = 3
	binary.BigEndian.PutUint32(c.cell(0), c.put(atService, atName-atService, service))
	binary.BigEndian.PutUint32(c.cell(1), uint32(len(args)))
	binary.BigEndian.PutUint32(c.cell(2), uint32(results))
	for i, a := range args {
		binary.BigEndian.PutUint32(c.cell(first+i), a)
	}
	for i := range results {
		binary.BigEndian.PutUint32(c.cell(first+len(args)+i), none)
	}
	c.Call(c.Base + atArgs)
	return binary.BigEndian.Uint32(c.cell(first + len(args)))
}

// result is a further result of a call with so many arguments.
func (c *Client) result(args, i int) uint32 { return binary.BigEndian.Uint32(c.cell(3 + args + i)) }

// find returns a device's package, 0 for none.
func (c *Client) find(path string) uint32 {
	if p := c.do("finddevice", 1, c.put(atName, atNext-atName, path)); p != none {
		return p
	}
	return 0
}

// number reads a property of one cell.
func (c *Client) number(device uint32, name string) (v uint32, ok bool) {
	if c.do("getprop", 1, device, c.put(atName, atNext-atName, name), uint32(c.Base)+atPath, 4) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(c.Memory[atPath:]), true
}

// path is a package's path, valid until the next call. Some firmware counts the 0
// at its end.
func (c *Client) path(device uint32) []byte {
	n := c.do("package-to-path", 1, device, uint32(c.Base)+atPath, maxPath)
	if n > maxPath { // also when there is none
		return nil
	}
	path := c.Memory[atPath : atPath+n]
	for len(path) > 0 && path[len(path)-1] == 0 {
		path = path[:len(path)-1]
	}
	return path
}

// memory is where the first piece of RAM ends, which begins at 0; 0 when it is not
// known.
func (c *Client) memory() uint64 {
	root := c.do("peer", 1, 0)
	address, ok1 := c.number(root, "#address-cells")
	size, ok2 := c.number(root, "#size-cells")
	device := c.find("/memory@0")
	if device == 0 {
		device = c.find("/memory")
	}
	if !ok1 || !ok2 || device == 0 || address < 1 || address > 2 || size < 1 || size > 2 {
		return 0
	}
	cells := int(address + size)
	got := c.do("getprop", 1, device, c.put(atName, atNext-atName, "reg"), uint32(c.Base)+atPath, uint32(4*cells))
	if got == none || got < uint32(4*cells) {
		return 0
	}
	value := uint64(0)
	for i := int(address); i < cells; i++ {
		value = value<<32 | uint64(binary.BigEndian.Uint32(c.Memory[atPath+4*i:]))
	}
	return value
}

// Range is Size bytes of physical memory.
type Range struct{ Start, Size uint64 }

// RTAS is the services in memory, which must be kept; Size 0 for none.
type RTAS struct {
	Range
	Entry uint64
}

// rtasEnds are where the services may end: as high as a 32-bit call reaches and
// Linux looks for memory, then lower.
var rtasEnds = [...]uint64{0x30000000, 0x20000000, 0x10000000, 0x8000000, 0x4000000, 0x2000000, 0x1000000}

// Instantiate makes the firmware put the services into memory that it has free.
func (c *Client) Instantiate() (r RTAS) {
	device := c.find("/rtas")
	if device == 0 {
		return r
	}
	size, ok := c.number(device, "rtas-size")
	const limit, page = 64 << 20, 4096
	if !ok || size == 0 || size > limit {
		return r
	}
	size = (size + page - 1) &^ (page - 1)
	base := uint32(none)
	memory := c.memory()
	for _, end := range rtasEnds {
		if uint64(size) >= end || end > memory {
			continue
		}
		if base = c.do("claim", 1, uint32(end)-size, size, 0); base != none {
			break
		}
	}
	if base == none || base == 0 {
		return r
	}
	instance := c.do("open", 1, c.put(atName, atNext-atName, "/rtas"))
	if instance == 0 || instance == none {
		return r
	}
	if c.do("call-method", 2, c.put(atName, atNext-atName, "instantiate-rtas"), instance, base) != 0 {
		return r
	}
	entry := c.result(3, 1)
	if entry == 0 || entry == none {
		return r
	}
	return RTAS{Range{uint64(base), uint64(size)}, uint64(entry)}
}

// Print writes to the firmware's console, up to 63 bytes.
func (c *Client) Print(s string) {
	chosen := c.find("/chosen")
	if chosen == 0 {
		return
	}
	if stdout, ok := c.number(chosen, "stdout"); ok {
		n := min(len(s), maxName)
		c.do("write", 1, stdout, c.put(atName, atNext-atName, s[:n]), uint32(n))
	}
}

// Quiesce makes the firmware stop its devices. It must not be called after that.
func (c *Client) Quiesce() { c.do("quiesce", 1) }
