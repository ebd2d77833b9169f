package grub

import (
	"fmt"
	"strings"
)

// maxMatches bounds what one wildcard expands to.
const maxMatches = 4096

// glob expands * and ? in a word whose other such characters stand behind
// backslashes. As in GRUB only words that begin with '/' (on $root), '(' or
// '*' (a device) are file names. nil when the word is to stay as it is.
func (in *Interp) glob(word string) ([]string, error) {
	if word == "" || strings.IndexByte("/(*", word[0]) < 0 || !hasMeta(word) {
		return nil, nil
	}
	dev, rest, ok := splitDevice(word)
	if !ok {
		return nil, nil
	}
	found := in.globDevices(dev)
	matched := hasMeta(dev) // a wildcard stood before: what follows must exist
	for len(rest) > 0 && len(found) > 0 && in.stop == nil {
		rest = rest[1:]
		part := rest
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			part = rest[:i]
		}
		rest = rest[len(part):]
		if hasMeta(part) {
			found, matched = in.globFiles(found, part), true
		} else {
			found = in.join(found, unescape(part), matched)
		}
		if len(found) > maxMatches {
			return nil, fmt.Errorf("%w: more than %d files match", ErrLimit, maxMatches)
		}
	}
	if len(found) == 0 || in.stop != nil {
		return nil, in.stop
	}
	return found, nil
}

// splitDevice cuts a device in parentheses or a leading "*…" off a pattern.
// The rest is empty or begins with a slash.
func splitDevice(word string) (dev, rest string, ok bool) {
	switch word[0] {
	case '(':
		i := strings.IndexByte(word, ')')
		if i < 0 || i+1 < len(word) && word[i+1] != '/' {
			return "", "", false
		}
		return word[:i+1], word[i+1:], true
	case '*':
		if i := strings.IndexByte(word, '/'); i >= 0 {
			return word[:i], word[i:], true
		}
		return word, "", true
	}
	return "", word, true
}

// globDevices lists the devices that a pattern means; a pattern without
// parentheses means whole disks only.
func (in *Interp) globDevices(pattern string) []string {
	if !hasMeta(pattern) {
		return []string{unescape(pattern)}
	}
	var found []string
	for _, d := range in.host.Devices() {
		name := "(" + d.Name + ")"
		if (pattern[0] == '(' || d.Disk == d.Name || d.Disk == "") && match(pattern, name) {
			found = append(found, name)
		}
	}
	return found
}

// globFiles lists the files in folders whose names match.
func (in *Interp) globFiles(dirs []string, pattern string) []string {
	var found []string
	for _, dir := range dirs {
		list, err := in.ReadDir(dir + "/")
		if err != nil {
			continue
		}
		for _, e := range list {
			if match(pattern, e.Name()) {
				found = append(found, dir+"/"+e.Name())
			}
		}
		if len(found) > maxMatches || in.stop != nil {
			break
		}
	}
	return found
}

// join appends a plain name to every path.
func (in *Interp) join(paths []string, name string, mustExist bool) []string {
	var found []string
	for _, p := range paths {
		p += "/" + name
		if mustExist {
			if _, err := in.Stat(p); err != nil || in.stop != nil {
				continue
			}
		}
		found = append(found, p)
	}
	return found
}

// hasMeta says whether a * or ? without a backslash is there.
func hasMeta(s string) bool {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '*', '?':
			return true
		}
	}
	return false
}

// match matches a whole name: * any bytes, ? any one, \c the byte c. It
// goes back to the last * only, which is enough and keeps it quick.
func match(pattern, name string) bool {
	p, n := 0, 0
	star, mark := -1, 0
	for n < len(name) {
		if p < len(pattern) && pattern[p] == '*' {
			p++
			star, mark = p, n
			continue
		}
		if w := matchByte(pattern[p:], name[n]); w > 0 {
			p += w
			n++
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		p, n = star, mark
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// matchByte is the length of the pattern's first element when it matches c.
func matchByte(pattern string, c byte) int {
	switch {
	case pattern == "":
		return 0
	case pattern[0] == '\\' && len(pattern) > 1:
		if pattern[1] == c {
			return 2
		}
		return 0
	case pattern[0] == '?' || pattern[0] == c:
		return 1
	}
	return 0
}
