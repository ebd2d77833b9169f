package deb

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/internal/cache"
)

// unpacked returns a suite in which a kernel's package is already unpacked, with
// these files in /boot.
func unpacked(t *testing.T, metapackage, pkg string, files ...string) *Suite {
	t.Helper()
	s := &Suite{Cache: cache.Dir(t.TempDir()), Name: "trixie", Arch: "riscv64", Progress: io.Discard}
	write(t, s.dir("have", metapackage), pkg)
	for _, file := range files {
		write(t, s.dir("root/boot", file), "kernel")
	}
	return s
}

func TestKernel(t *testing.T) {
	for _, c := range []struct{ metapackage, pkg, version, file string }{
		{"linux-image-amd64", "linux-image-6.1.0-50-amd64_6.1.176-1_amd64.deb", "6.1.0-50-amd64", "vmlinuz"},
		{"linux-image-riscv64", "linux-image-6.12.1+deb13-riscv64_6.12.1-1_riscv64.deb", "6.12.1+deb13-riscv64", "vmlinux"},
	} {
		s := unpacked(t, c.metapackage, c.pkg, c.file+"-"+c.version, "config-"+c.version)
		got, err := s.Kernel(context.Background(), c.metapackage)
		if err != nil {
			t.Fatal(err)
		}
		want := &Kernel{
			Version: c.version, Package: c.pkg, Name: c.file,
			Image:   s.dir("root/boot", c.file+"-"+c.version),
			Modules: s.dir("root/usr/lib/modules", c.version),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.metapackage, diff)
		}
	}
}

func TestKernelWithoutImage(t *testing.T) {
	s := unpacked(t, "linux-image-riscv64", "linux-image-1-riscv64_1_riscv64.deb", "config-1-riscv64")
	_, err := s.Kernel(context.Background(), "linux-image-riscv64")
	if err == nil || !strings.Contains(err.Error(), "holds none of [vmlinuz vmlinux]") {
		t.Errorf("a package without a kernel: %v", err)
	}
}

func TestArchitectureNames(t *testing.T) {
	for goarch, want := range map[string][2]string{
		"amd64":   {"amd64", "linux-image-amd64"},
		"riscv64": {"riscv64", "linux-image-riscv64"},
		"ppc64le": {"ppc64el", "linux-image-powerpc64le"},
	} {
		got := [2]string{Arch(goarch), KernelPackage(goarch)}
		if got != want {
			t.Errorf("%s: %q, want %q", goarch, got, want)
		}
		if !metaPackage.MatchString(got[1]) {
			t.Errorf("%s is no metapackage", got[1])
		}
	}
}

func TestSources(t *testing.T) {
	t.Setenv(EnvMirror, "http://main/debian/")
	t.Setenv(EnvSecurityMirror, "http://security/debian")
	const main, security = "deb [arch=riscv64] http://main/debian trixie main\n", "deb [arch=riscv64] http://security/debian trixie-security main\n"
	s := &Suite{Name: "trixie", Arch: "riscv64"}
	if got := s.sources(); got != main+security {
		t.Errorf("%q", got)
	}
	s.MainOnly = true
	if got := s.sources(); got != main {
		t.Errorf("the main archive alone: %q", got)
	}
}

// The keyring of a release without a keyring on this machine is of an
// architecture that the first release has.
func TestKeyringOfOtherArchitecture(t *testing.T) {
	dir := cache.Dir(t.TempDir())
	first := &Suite{Cache: dir, Name: firstSuite, Arch: keyringArch}
	write(t, first.dir("have", keyringPackage), "debian-archive-keyring_1_all.deb")
	got, err := (&Suite{Cache: dir, Name: "trixie", Arch: "riscv64", Progress: io.Discard}).keyring(context.Background())
	if want := filepath.Join(first.dir("root"), keyringFile); err != nil || got != want {
		t.Errorf("keyring %s, %v, want %s", got, err, want)
	}
}
