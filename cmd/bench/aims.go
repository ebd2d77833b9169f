package main

import (
	"slices"
	"strings"
)

// aims are what the project wants of a type of domain, as the table's texts.
type aims struct {
	pvgrub bool // there is a PvGRUB to compare with
	// codecs that the kernel's payload is packed in, each measured apart; only
	// a PV domain's loader unpacks it itself.
	codecs []string

	menu, kernel, user, userApart, rate string

	linux         string // of Linux's own rate
	added, memory string
	codecKernel   map[string]string // kernel's first line, by codec
}

// has tells whether all of a list of codecs is measured.
func (a *aims) has(list string) bool {
	for name := range strings.SplitSeq(list, ",") {
		if list != "" && !slices.Contains(a.codecs, name) {
			return false
		}
	}
	return true
}

// aimsOf has an entry for each architecture and, where there is more than
// one, mode.
var aimsOf = map[string]*aims{
	"amd64": {pvgrub: true, menu: "PvGRUB <= 0.5", user: "PvGRUB <= 0.4", rate: "PvGRUB >= 15",
		linux: ">= 0.5", added: "<= 0.5", memory: "<= 24"},
	"amd64-pv": {pvgrub: true, codecs: []string{"gzip", "xz", "zstd", "lz4", "lzma", "bzip2", "lzo", "none"},
		kernel: "PvGRUB <= 0.2", rate: "PvGRUB >= 15", codecKernel: map[string]string{"xz": "PvGRUB <= 0.4"}},
	"arm64": {menu: "<= 1 s", userApart: "direct <= 1.15", linux: ">= 0.8", added: "<= 0.5", memory: "<= 24"},
}
