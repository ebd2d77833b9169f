package main

import (
	"os"
	"regexp"
	"slices"
	"strings"

	"pvboot/internal/xenhost/wire"
)

// storeSuffixes are those of -store's files, in the order of the listings.
var storeSuffixes = []string{".before", ".after"}

// writeListing writes one listing of xenstore to its file.
func (w *watcher) writeListing(s wire.Store) error {
	if w.listings == len(storeSuffixes) {
		return nil
	}
	file := w.store + storeSuffixes[w.listings]
	w.listings++
	return os.WriteFile(file, []byte(normalListing(s)), 0o644)
}

// normalListing is a listing, sorted, in which nothing tells one domain from
// the next: DOMID stands for its number in paths, permissions and the values
// that hold nothing else, UUID for its UUID.
func normalListing(s wire.Store) string {
	id := regexp.QuoteMeta(s.Domain)
	var (
		paths       = regexp.MustCompile(`(/local/domain/|/backend/\w+/)` + id + `\b`)
		numbers     = regexp.MustCompile(`^(\S*/(?:frontend-id|domid) = ")` + id + `"`)
		permissions = regexp.MustCompile(`\([nrwb0-9,]+\)$`)
		permission  = regexp.MustCompile(`\b([nrwb])` + id + `\b`)
	)
	var lines []string
	for line := range strings.Lines(s.Text) {
		line = strings.TrimRight(line, "\n")
		if s.VM != "" {
			line = strings.ReplaceAll(line, s.VM, "UUID")
		}
		line = paths.ReplaceAllString(line, "${1}DOMID")
		line = numbers.ReplaceAllString(line, `${1}DOMID"`)
		line = permissions.ReplaceAllStringFunc(line, func(p string) string {
			return permission.ReplaceAllString(p, "${1}DOMID")
		})
		lines = append(lines, line+"\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}
