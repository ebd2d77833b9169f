package main

import (
	"slices"

	"pvboot/internal/xenhost"
)

// debianSource is where an architecture's kernel comes from.
type debianSource struct {
	// suites are the releases of Debian that have it. Of the first, which is the
	// default, is what else a disk needs.
	suites []string
	// mainOnly is as in deb.Suite.
	mainOnly bool
}

// debianSources are by Go's names. Bookworm has no riscv64. Kernels for the
// architectures without a Xen run in tests only.
var debianSources = map[string]debianSource{
	"amd64":   {suites: []string{xenhost.KernelSuite, "trixie"}},
	"arm64":   {suites: []string{xenhost.KernelSuite, "trixie"}},
	"riscv64": {suites: []string{"trixie"}, mainOnly: true},
	"ppc64le": {suites: []string{xenhost.KernelSuite, "trixie"}, mainOnly: true},
}

// wantArchitectures is what -arch of rig disk says when it is something else.
const wantArchitectures = "amd64, arm64, riscv64 or ppc64"

// findSource returns Go's name of the architecture that -arch names, where its
// kernels come from, and the release that -suite names or, when it is empty, the
// default. Ppc64 is PowerPC as Debian has it, little-endian.
func findSource(arch, suite string) (string, debianSource, string, error) {
	if arch == "ppc64" {
		arch = "ppc64le"
	}
	source, ok := debianSources[arch]
	switch {
	case !ok:
		return "", source, "", usagef("-arch %s: want %s", arch, wantArchitectures)
	case suite == "":
		suite = source.suites[0]
	case suite != xenhost.KernelSuite && suite != "trixie":
		return "", source, "", usagef("-suite %s: want bookworm or trixie", suite)
	case !slices.Contains(source.suites, suite):
		return "", source, "", usagef("-suite %s: it has no %s", suite, arch)
	}
	return arch, source, suite, nil
}
