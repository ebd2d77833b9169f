package main

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/internal/testdisk"
)

func TestFindSource(t *testing.T) {
	for _, c := range []struct{ arch, suite, wantArch, wantSuite string }{
		{"amd64", "", "amd64", "bookworm"},
		{"arm64", "trixie", "arm64", "trixie"},
		{"riscv64", "", "riscv64", "trixie"},
		{"riscv64", "trixie", "riscv64", "trixie"},
		{"ppc64", "", "ppc64le", "bookworm"},
		{"ppc64le", "trixie", "ppc64le", "trixie"},
	} {
		arch, _, suite, err := findSource(c.arch, c.suite)
		if err != nil || arch != c.wantArch || suite != c.wantSuite {
			t.Errorf("-arch %s -suite %q: %s, %s, %v, want %s, %s", c.arch, c.suite, arch, suite, err, c.wantArch, c.wantSuite)
		}
	}
}

// Each architecture of the disks has a source.
func TestDebianSources(t *testing.T) {
	if diff := cmp.Diff(testdisk.Architectures(), slices.Sorted(maps.Keys(debianSources))); diff != "" {
		t.Errorf("(-testdisk +rig):\n%s", diff)
	}
}
