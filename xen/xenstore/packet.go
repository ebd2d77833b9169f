// Package xenstore speaks the xenstore protocol: its messages, the ring that
// carries them, and a client for a domain of the ring's guest end.
//
// Messages and ring are code without I/O, used by the client here and by the
// daemon of xentest. Sources: public/io/xs_wire.h, docs/misc/xenstore.txt and
// docs/misc/xenstore-ring.txt of Xen.
//
// Neither end trusts the other: lengths and ring indexes are checked before
// use, a message is at most 4096 bytes, and each wait ends.
package xenstore

import (
	"encoding/binary"
	"fmt"
)

// Type is a message's type (xs_wire.h, enum xsd_sockmsg_type).
type Type uint32

// Message types.
const (
	TypeControl          Type = 0
	TypeDirectory        Type = 1
	TypeRead             Type = 2
	TypeGetPerms         Type = 3
	TypeWatch            Type = 4
	TypeUnwatch          Type = 5
	TypeTransactionStart Type = 6
	TypeTransactionEnd   Type = 7
	TypeGetDomainPath    Type = 10
	TypeWrite            Type = 11
	TypeMkdir            Type = 12
	TypeRm               Type = 13
	TypeSetPerms         Type = 14
	TypeWatchEvent       Type = 15
	TypeError            Type = 16
	TypeResetWatches     Type = 21
	TypeDirectoryPart    Type = 22
)

var typeNames = map[Type]string{
	TypeControl: "control", TypeDirectory: "directory", TypeRead: "read",
	TypeGetPerms: "get_perms", TypeWatch: "watch", TypeUnwatch: "unwatch",
	TypeTransactionStart: "transaction_start", TypeTransactionEnd: "transaction_end",
	TypeGetDomainPath: "get_domain_path", TypeWrite: "write", TypeMkdir: "mkdir",
	TypeRm: "rm", TypeSetPerms: "set_perms", TypeWatchEvent: "watch_event",
	TypeError: "error", TypeResetWatches: "reset_watches", TypeDirectoryPart: "directory_part",
}

// String gives the type's name in lower case.
func (t Type) String() string {
	if n, ok := typeNames[t]; ok {
		return n
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// Sizes of the protocol in bytes (xs_wire.h).
const (
	HeaderSize = 16
	MaxBody    = 4096 // XENSTORE_PAYLOAD_MAX
	MaxAbsPath = 3072
	MaxRelPath = 2048
)

// Packet is one message. Body is at most [MaxBody] bytes.
type Packet struct {
	Type  Type
	ReqID uint32
	TxID  uint32
	Body  []byte
}

// Append appends the packet's bytes to b. A body over the limit is refused:
// the daemon would cut the connection.
func (p Packet) Append(b []byte) ([]byte, error) {
	if len(p.Body) > MaxBody {
		return b, fmt.Errorf("xenstore: %v: %d bytes of payload, at most %d are allowed", p.Type, len(p.Body), MaxBody)
	}
	b = binary.NativeEndian.AppendUint32(b, uint32(p.Type))
	b = binary.NativeEndian.AppendUint32(b, p.ReqID)
	b = binary.NativeEndian.AppendUint32(b, p.TxID)
	b = binary.NativeEndian.AppendUint32(b, uint32(len(p.Body)))
	return append(b, p.Body...), nil
}

// Parser turns a stream of bytes, fed in pieces of any size, into packets. The
// zero value is ready. After an error it stays failed: the stream has lost its
// packet boundaries.
type Parser struct {
	head   [HeaderSize]byte
	filled int // of head and body together
	body   []byte
	err    error
}

// Need returns how many bytes are missing before a packet, or as much as is
// known of it, is complete; 0 once the parser has failed.
func (p *Parser) Need() int {
	switch {
	case p.err != nil:
		return 0
	case p.filled < HeaderSize:
		return HeaderSize - p.filled
	}
	return HeaderSize + len(p.body) - p.filled
}

// Partial tells whether the parser stands within a packet.
func (p *Parser) Partial() bool { return p.filled > 0 }

// Feed takes bytes from b up to the end of one packet and says how many. pkt
// is that packet once it is complete, else nil.
func (p *Parser) Feed(b []byte) (n int, pkt *Packet, err error) {
	for p.err == nil {
		need := p.Need()
		if need == 0 {
			return n, p.take(), nil
		}
		if n == len(b) {
			return n, nil, nil
		}
		if p.filled < HeaderSize {
			c := copy(p.head[p.filled:], b[n:])
			n, p.filled = n+c, p.filled+c
			if p.filled == HeaderSize {
				p.header()
			}
			continue
		}
		c := copy(p.body[p.filled-HeaderSize:], b[n:])
		n, p.filled = n+c, p.filled+c
	}
	return n, nil, p.err
}

// header checks a complete header and makes room for the body.
func (p *Parser) header() {
	size := binary.NativeEndian.Uint32(p.head[12:])
	if size > MaxBody {
		p.err = fmt.Errorf("xenstore: %v: %d bytes of payload announced, at most %d are allowed",
			Type(binary.NativeEndian.Uint32(p.head[0:])), size, MaxBody)
		return
	}
	p.body = make([]byte, size)
}

func (p *Parser) take() *Packet {
	pkt := &Packet{
		Type:  Type(binary.NativeEndian.Uint32(p.head[0:])),
		ReqID: binary.NativeEndian.Uint32(p.head[4:]),
		TxID:  binary.NativeEndian.Uint32(p.head[8:]),
		Body:  p.body,
	}
	p.filled, p.body = 0, nil
	return pkt
}
