package xenstored

import (
	"strconv"
	"strings"

	"pvboot/xen/xenstore"
)

// operation carries out a request on the node at path. rest is the body behind
// the path.
type operation func(c *Conn, v *view, path, rest string) (string, xenstore.Errno)

var operations = map[xenstore.Type]operation{
	xenstore.TypeDirectory:     opDirectory,
	xenstore.TypeDirectoryPart: opDirectoryPart,
	xenstore.TypeRead:          opRead,
	xenstore.TypeWrite:         opWrite,
	xenstore.TypeMkdir:         opMkdir,
	xenstore.TypeRm:            opRm,
	xenstore.TypeGetPerms:      opGetPerms,
	xenstore.TypeSetPerms:      opSetPerms,
}

// children returns a node's list of names, each with its zero byte.
func children(n *node) string {
	if len(n.children) == 0 {
		return ""
	}
	return strings.Join(n.children, "\x00") + "\x00"
}

func opDirectory(c *Conn, v *view, path, rest string) (string, xenstore.Errno) {
	if rest != "" {
		return "", xenstore.EINVAL
	}
	n, err := c.get(v, path, xenstore.AccessRead)
	if err != "" {
		return "", err
	}
	return children(n), ""
}

// opDirectoryPart answers with the node's generation and as many whole names
// from a byte offset on as fit; an empty name ends the list.
func opDirectoryPart(c *Conn, v *view, path, rest string) (string, xenstore.Errno) {
	offset, err := strconv.Atoi(strings.TrimSuffix(rest, "\x00"))
	if err != nil || offset < 0 {
		return "", xenstore.EINVAL
	}
	n, errno := c.get(v, path, xenstore.AccessRead)
	if errno != "" {
		return "", errno
	}
	reply := strconv.FormatUint(n.gen, 10) + "\x00"
	list := children(n)
	for offset < len(list) {
		end := offset + strings.IndexByte(list[offset:], 0) + 1
		if len(reply)+end-offset >= xenstore.MaxBody {
			return reply, ""
		}
		reply += list[offset:end]
		offset = end
	}
	return reply + "\x00", ""
}

func opRead(c *Conn, v *view, path, rest string) (string, xenstore.Errno) {
	if rest != "" {
		return "", xenstore.EINVAL
	}
	n, err := c.get(v, path, xenstore.AccessRead)
	if err != "" {
		return "", err
	}
	return n.value, ""
}

func opWrite(c *Conn, v *view, path, value string) (string, xenstore.Errno) {
	n, err := c.get(v, path, xenstore.AccessWrite)
	switch err {
	case "":
		changed := *n
		changed.value = value
		if !c.fits(&changed) {
			return "", xenstore.ENOSPC
		}
		v.put(path, &changed)
	case xenstore.ENOENT:
		if err := c.create(v, path, value); err != "" {
			return "", err
		}
	default:
		return "", err
	}
	v.changed(path)
	return ok, ""
}

func opMkdir(c *Conn, v *view, path, rest string) (string, xenstore.Errno) {
	if rest != "" {
		return "", xenstore.EINVAL
	}
	_, err := c.get(v, path, xenstore.AccessWrite)
	if err == xenstore.ENOENT {
		if err = c.create(v, path, ""); err == "" {
			v.changed(path)
		}
	}
	if err != "" {
		return "", err
	}
	return ok, ""
}

func opRm(c *Conn, v *view, path, rest string) (string, xenstore.Errno) {
	if rest != "" || path == "/" {
		return "", xenstore.EINVAL
	}
	_, err := c.get(v, path, xenstore.AccessWrite)
	if err == xenstore.ENOENT && v.node(parent(path)) != nil {
		return ok, ""
	}
	if err != "" {
		return "", err
	}
	v.removed(path)
	v.remove(path)
	return ok, ""
}

func opGetPerms(c *Conn, v *view, path, rest string) (string, xenstore.Errno) {
	if rest != "" {
		return "", xenstore.EINVAL
	}
	n, err := c.get(v, path, xenstore.AccessRead)
	if err != "" {
		return "", err
	}
	var b strings.Builder
	for _, p := range n.perms {
		b.WriteString(p.String() + "\x00")
	}
	return b.String(), ""
}

func opSetPerms(c *Conn, v *view, path, rest string) (string, xenstore.Errno) {
	n, err := c.get(v, path, xenstore.AccessWrite)
	if err != "" {
		return "", err
	}
	if c.dom != 0 && n.perms[0].Dom != c.dom {
		return "", xenstore.EACCES
	}
	var perms []xenstore.Perm
	list, ended := strings.CutSuffix(rest, "\x00")
	if !ended {
		return "", xenstore.EINVAL
	}
	for f := range strings.SplitSeq(list, "\x00") {
		p, err := xenstore.ParsePerm(f)
		if err != nil {
			return "", xenstore.EINVAL
		}
		perms = append(perms, p)
	}
	if c.dom != 0 && perms[0].Dom != n.perms[0].Dom {
		return "", xenstore.EPERM
	}
	changed := *n
	changed.perms = perms
	v.put(path, &changed)
	v.changed(path)
	return ok, ""
}
