package xenstore

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Perm is one entry of a node's permissions. The first entry's Dom owns the
// node, and its Access is what all domains get that have no entry.
type Perm struct {
	Dom    uint16
	Access Access
}

// Access is the letter of a permission.
type Access byte

// Kinds of access.
const (
	AccessNone  Access = 'n'
	AccessRead  Access = 'r'
	AccessWrite Access = 'w'
	AccessBoth  Access = 'b'
)

// String gives the permission as the protocol has it, such as "r0".
func (p Perm) String() string { return string(rune(p.Access)) + strconv.Itoa(int(p.Dom)) }

// ParsePerm reads a permission such as "b7".
func ParsePerm(s string) (Perm, error) {
	if s == "" {
		return Perm{}, errors.New("empty permission")
	}
	a := Access(s[0])
	switch a {
	case AccessNone, AccessRead, AccessWrite, AccessBoth:
	default:
		return Perm{}, fmt.Errorf("permission %.16q", s)
	}
	dom, err := strconv.ParseUint(s[1:], 10, 16)
	if err != nil {
		return Perm{}, fmt.Errorf("permission %.16q", s)
	}
	return Perm{uint16(dom), a}, nil
}

// parsePerms reads a list of permissions, each with its zero byte.
func parsePerms(s string) ([]Perm, error) {
	if !strings.HasSuffix(s, "\x00") {
		return nil, errors.New("last permission without its end")
	}
	var perms []Perm
	for f := range strings.SplitSeq(s[:len(s)-1], "\x00") {
		p, err := ParsePerm(f)
		if err != nil {
			return nil, err
		}
		perms = append(perms, p)
	}
	return perms, nil
}
