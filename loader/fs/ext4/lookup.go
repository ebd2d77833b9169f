package ext4

import (
	"errors"
	iofs "io/fs"
	"strings"

	"pvboot/loader/fs/tree"
)

// List reads a directory.
func (n *inode) List() ([]tree.Entry, error) {
	var out []tree.Entry
	names := 0
	err := n.entries(func(d dirent) error {
		if isDot(d.name) {
			return nil
		}
		names += len(d.name)
		if len(out) == maxListed || names > maxNames {
			return unsupported(n.place(), "directory of more than %d entries", len(out))
		}
		mode, err := n.entryType(d)
		if err != nil {
			return err
		}
		out = append(out, tree.Entry{Name: string(d.name), Type: mode})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func isDot(name []byte) bool { return string(name) == "." || string(name) == ".." }

// entryType is the type that a directory entry tells, or that of its inode
// where the filesystem lacks the filetype feature.
func (n *inode) entryType(d dirent) (iofs.FileMode, error) {
	types := [...]iofs.FileMode{1: 0, 2: iofs.ModeDir, 3: iofs.ModeDevice | iofs.ModeCharDevice, 4: iofs.ModeDevice,
		5: iofs.ModeNamedPipe, 6: iofs.ModeSocket, 7: iofs.ModeSymlink}
	if d.kind > 0 && int(d.kind) < len(types) {
		return types[d.kind], nil
	}
	child, err := n.child(d.inode, string(d.name))
	if err != nil {
		return 0, err
	}
	return child.mode.Type(), nil
}

// Lookup finds a name in a directory.
func (n *inode) Lookup(name string) (tree.Node, error) {
	number, err := n.find(name)
	if err != nil {
		return nil, err
	}
	child, err := n.child(number, name)
	if err != nil {
		return nil, err
	}
	return child, nil
}

// find gives the inode number of a name. In a directory with the casefold
// flag no two names fold to the same, so one that is equal is the one.
func (n *inode) find(name string) (uint32, error) {
	fold := n.flags&flagCasefold != 0
	var exact, folded uint32
	unsure := fold && !ascii(name)
	err := n.entries(func(d dirent) error {
		switch {
		case string(d.name) == name:
			exact = d.inode
			return errStop{}
		case !fold:
		case !ascii(string(d.name)):
			unsure = true
		case strings.EqualFold(string(d.name), name):
			folded = d.inode
		}
		return nil
	})
	switch {
	case exact != 0:
		return exact, nil
	case err != nil && !errors.As(err, new(errStop)):
		return 0, err
	case folded != 0:
		return folded, nil
	case unsure: // Unicode's folding is not known here
		return 0, unsupported(n.place(), "unsupported feature casefold for %q", name)
	}
	return 0, iofs.ErrNotExist
}

func ascii(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) < 0 }

// child reads the inode of an entry. A directory must name this one as its
// parent: that leaves no room for cycles.
func (n *inode) child(number uint32, name string) (*inode, error) {
	if number < n.fs.sb.firstInode && number != rootInode || number == n.fs.sb.journalInode {
		return nil, n.corrupt("entry %q points at reserved inode %d", name, number)
	}
	c, err := n.fs.inode(number)
	if err != nil {
		return nil, err
	}
	if !c.mode.IsDir() || c.flags&flagEncrypt != 0 {
		return c, nil
	}
	parent, err := c.parent()
	if err != nil {
		return nil, err
	}
	if parent != n.number {
		return nil, c.corrupt("directory %q is in inode %d, but its parent is inode %d", name, n.number, parent)
	}
	return c, nil
}

// parent reads "..", which is a directory's second entry.
func (n *inode) parent() (uint32, error) {
	var parent uint32
	seen := 0
	err := n.entries(func(d dirent) error {
		seen++
		if seen == 1 && string(d.name) == "." && d.inode == n.number {
			return nil
		}
		if seen == 2 && string(d.name) == ".." {
			parent = d.inode
		}
		return errStop{}
	})
	if err != nil && !errors.As(err, new(errStop)) {
		return 0, err
	}
	if parent == 0 {
		return 0, n.corrupt("directory does not start with . and ..")
	}
	return parent, nil
}
