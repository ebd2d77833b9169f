package xenhost

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// release is a version of Xen as Debian ships it.
type release struct {
	suite string
	libs  []string // packages whose names differ between releases

	python string   // version of Python that pygrub runs in
	pygrub []string // packages of pygrub whose names differ
}

var releases = map[string]release{
	"4.17": {suite: "bookworm", libs: []string{"libxenmisc4.17", "libyajl2"},
		python: "3.11", pygrub: []string{"libext2fs2"}},
	"4.20": {suite: "trixie", libs: []string{"libxenmisc4.20", "libyajl2"},
		python: "3.13", pygrub: []string{"libext2fs2t64"}},
}

// DefaultXen is the version that is used when none is named.
const DefaultXen = "4.17"

// KernelSuite is the release of Debian whose kernel dom0 runs, with whatever
// version of Xen.
const KernelSuite = "bookworm"

// Versions lists the versions of Xen, the oldest first.
func Versions() []string { return slices.Sorted(maps.Keys(releases)) }

// Known says whether there is such a version of Xen.
func Known(version string) bool {
	_, ok := releases[version]
	return ok
}

func findRelease(version string) (release, error) {
	r, ok := releases[version]
	if !ok {
		return release{}, fmt.Errorf("xen %s: want one of %s", version, strings.Join(Versions(), ", "))
	}
	return r, nil
}

// packages lists what dom0 is made of, its kernel apart.
func (r release) packages(cfg *Config, m *machine) []string {
	return slices.Concat([]string{
		"xen-hypervisor-" + cfg.Xen + "-" + cfg.Arch,
		"xen-utils-" + cfg.Xen,
		"xen-utils-common",
		"xenstore-utils",
		"libxencall1", "libxenevtchn1", "libxenforeignmemory1", "libxengnttab1", "libxenstore4",
		"libxenhypfs1", "libxendevicemodel1", "libxentoollog1", "libxentoolcore1",
		"libuuid1", "libc6", "liblzma5", "libzstd1", "zlib1g", "libgcc-s1",
	}, r.libs, m.packages)
}

// pygrubPackages lists what pygrub needs beside dom0's own packages.
func (r release) pygrubPackages() []string {
	return append([]string{
		"python" + r.python + "-minimal", "libpython" + r.python + "-minimal", "libpython" + r.python + "-stdlib",
		"libexpat1", "libcom-err2", "libncursesw6", "libtinfo6", "ncurses-base", "libffi8", "libbz2-1.0",
	}, r.pygrub...)
}
