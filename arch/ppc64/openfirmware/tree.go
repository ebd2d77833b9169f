package openfirmware

import "encoding/binary"

// Tokens and header of a flattened tree (Devicetree Specification v0.4, 5.2 and
// 5.4).
const (
	magic         = 0xd00dfeed
	version       = 17
	compatible    = 16
	headerSize    = 40
	beginNode     = 1
	endNode       = 2
	property      = 3
	end           = 9
	reservedSize  = 16
	maxReserved   = 4
	atStructure   = headerSize + (maxReserved+1)*reservedSize
	maxNodes      = 4096
	maxStringSize = 16 << 10
)

// Chosen is what the tree has to say beside what the firmware says.
type Chosen struct {
	Initrd Range // size 0 for what the firmware has
	RTAS   RTAS
}

// builder is a tree under way: the structure grows in out, and the strings in a
// place of their own.
type builder struct {
	*Client
	out     []byte // what is left of Memory for the tree
	at      int    // in out
	strings [maxStringSize]byte
	used    int
	why     string // the first failure
}

var tree builder

// Flatten makes the tree in the client's memory. why is "" or what was not
// possible.
func (c *Client) Flatten(chosen Chosen) (flat []byte, why string) {
	if c.Base+uint64(len(c.Memory)) > 1<<32 || len(c.Memory) < 2*atTree {
		return nil, "memory for the device tree is beyond 4 GiB or too small"
	}
	b := &tree
	b.Client, b.out, b.at, b.used, b.why = c, c.Memory[atTree:], atStructure, 0, ""
	clear(b.out)
	b.nodes(chosen)
	b.word(end)
	return b.finish(chosen)
}

// nodes walks all packages, children first.
func (b *builder) nodes(chosen Chosen) {
	chosenDevice, rtasDevice := b.find("/chosen"), b.find("/rtas")
	root := b.do("peer", 1, 0)
	if root == 0 || root == none {
		b.fail("the firmware has no devices")
		return
	}
	node := root
	for n := 0; b.why == ""; n++ {
		if n == maxNodes {
			b.fail("the firmware has too many devices")
			return
		}
		b.begin(node, node == root)
		switch node {
		case chosenDevice:
			b.chosen(node, chosen)
		case rtasDevice:
			b.rtas(node, chosen.RTAS)
		default:
			b.properties(node)
		}
		if child := b.do("child", 1, node); child != 0 && child != none {
			node = child
			continue
		}
		for {
			b.word(endNode)
			if node == root || b.why != "" {
				return
			}
			if peer := b.do("peer", 1, node); peer != 0 && peer != none {
				node = peer
				break
			}
			if node = b.do("parent", 1, node); node == 0 || node == none {
				b.fail("a device of the firmware has no parent")
				return
			}
		}
	}
}

// begin starts a node: its name is the last part of its path.
func (b *builder) begin(node uint32, root bool) {
	b.word(beginNode)
	name := b.path(node)
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '/' {
			name = name[i+1:]
			break
		}
	}
	if root {
		name = nil
	}
	b.bytes(name)
	b.bytes(zero[:1])
	b.align()
}

var zero [4]byte

// properties copies a node's, but for those in skip, and adds a phandle, by which
// other nodes refer to it.
func (b *builder) properties(node uint32, skip ...string) {
	previous := b.put(atName, atNext-atName, "")
	hasHandle := false
	for n := 0; b.why == ""; n++ {
		if n == maxNodes {
			b.fail("a device of the firmware has too many properties")
			return
		}
		if b.do("nextprop", 1, node, previous, uint32(b.Base)+atNext) != 1 {
			break
		}
		name := b.nextName()
		copy(b.Memory[atName:], name)
		b.Memory[atName+len(name)] = 0
		previous = uint32(b.Base) + atName
		skipped := string(name) == "name"
		for _, s := range skip {
			skipped = skipped || string(name) == s
		}
		if !skipped {
			hasHandle = hasHandle || string(name) == "phandle"
			b.copy(node, name)
		}
	}
	if !hasHandle {
		b.number("phandle", node)
	}
}

// nextName is the name that nextprop has given.
func (b *builder) nextName() []byte {
	name := b.Memory[atNext : atNext+maxName]
	for i, c := range name {
		if c == 0 {
			return name[:i]
		}
	}
	return name
}

// copy copies a property, whose name is also at atName.
func (b *builder) copy(node uint32, name []byte) {
	size := b.do("getproplen", 1, node, uint32(b.Base)+atName)
	if size == none {
		return
	}
	b.word(property)
	b.word(size)
	b.word(b.name(name))
	if b.why != "" || uint64(size)+4 > uint64(len(b.out)-b.at) {
		b.fail("no room for the device tree")
		return
	}
	value := uint32(b.Base) + atTree + uint32(b.at)
	if size > 0 && b.do("getprop", 1, node, uint32(b.Base)+atName, value, size) != size {
		b.fail("a property of the firmware has changed its size")
		return
	}
	b.at += int(size)
	b.align()
}

// chosen adds where the initrd lies and what the console is to the properties
// of /chosen.
func (b *builder) chosen(node uint32, c Chosen) {
	if c.Initrd.Size == 0 {
		b.properties(node)
	} else {
		b.properties(node, "linux,initrd-start", "linux,initrd-end")
		b.number64("linux,initrd-start", c.Initrd.Start)
		b.number64("linux,initrd-end", c.Initrd.Start+c.Initrd.Size)
	}
	stdout, ok := b.Client.number(node, "stdout")
	if !ok || b.do("getproplen", 1, node, b.put(atName, atNext-atName, "stdout-path")) != none {
		return
	}
	device := b.do("instance-to-package", 1, stdout)
	if device == 0 || device == none {
		return
	}
	path := b.path(device)
	b.word(property)
	b.word(uint32(len(path) + 1))
	b.word(b.name([]byte("stdout-path")))
	b.bytes(path)
	b.bytes(zero[:1])
	b.align()
}

// rtas adds where the services lie to the properties of /rtas (LoPAR, B.6.3.1).
func (b *builder) rtas(node uint32, r RTAS) {
	if r.Size == 0 {
		b.properties(node)
		return
	}
	b.properties(node, "linux,rtas-base", "linux,rtas-entry")
	b.number("linux,rtas-base", uint32(r.Start))
	b.number("linux,rtas-entry", uint32(r.Entry))
}

func (b *builder) number(name string, v uint32) {
	b.word(property)
	b.word(4)
	b.word(b.name([]byte(name)))
	b.word(v)
}

func (b *builder) number64(name string, v uint64) {
	b.word(property)
	b.word(8)
	b.word(b.name([]byte(name)))
	b.word(uint32(v >> 32))
	b.word(uint32(v))
}

// name returns where a property's name is among the strings.
func (b *builder) name(name []byte) uint32 {
	for at := 0; at < b.used; {
		n := at
		for b.strings[n] != 0 {
			n++
		}
		if string(b.strings[at:n]) == string(name) {
			return uint32(at)
		}
		at = n + 1
	}
	if len(name)+1 > len(b.strings)-b.used {
		b.fail("no room for the device tree's names")
		return 0
	}
	at := b.used
	copy(b.strings[at:], name)
	b.used += len(name) + 1
	b.strings[b.used-1] = 0
	return uint32(at)
}

func (b *builder) word(v uint32) {
	if b.why == "" && len(b.out)-b.at >= 4 {
		binary.BigEndian.PutUint32(b.out[b.at:], v)
		b.at += 4
		return
	}
	b.fail("no room for the device tree")
}

func (b *builder) bytes(p []byte) {
	if b.why == "" && len(b.out)-b.at >= len(p) {
		b.at += copy(b.out[b.at:], p)
		return
	}
	b.fail("no room for the device tree")
}

// align goes on at a multiple of 4. What is skipped is 0.
func (b *builder) align() { b.bytes(zero[:-b.at&3]) }

func (b *builder) fail(why string) {
	if b.why == "" {
		b.why = why
	}
}

// finish puts the strings behind the structure, and fills the header and the list
// of what is reserved.
func (b *builder) finish(chosen Chosen) (flat []byte, why string) {
	structure := b.at - atStructure
	strings := b.at
	b.bytes(b.strings[:b.used])
	b.align()
	if b.why != "" {
		return nil, b.why
	}
	for i, v := range [...]uint32{
		magic, uint32(b.at), atStructure, uint32(strings), headerSize, version, compatible, 0, uint32(b.used), uint32(structure),
	} {
		binary.BigEndian.PutUint32(b.out[4*i:], v)
	}
	if r := chosen.RTAS.Range; r.Size > 0 {
		binary.BigEndian.PutUint64(b.out[headerSize:], r.Start)
		binary.BigEndian.PutUint64(b.out[headerSize+8:], r.Size)
	}
	return b.out[:b.at:b.at], ""
}
