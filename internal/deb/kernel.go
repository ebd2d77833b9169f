package deb

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Kernel is a kernel package, unpacked.
type Kernel struct {
	Version string // 6.1.0-50-amd64
	Package string // file name of the package, with its version
	Name    string // what its file is called in front of the version: vmlinuz, or vmlinux where it is not packed
	Image   string // that file
	Modules string // lib/modules/VERSION
}

// kernelNames are what kernels are called.
var kernelNames = []string{"vmlinuz", "vmlinux"}

// Kernel returns the kernel that a metapackage depends on.
func (s *Suite) Kernel(ctx context.Context, metapackage string) (*Kernel, error) {
	pkgs, err := s.Unpack(ctx, metapackage)
	if err != nil {
		return nil, err
	}
	k := &Kernel{Package: pkgs.Versions[metapackage]}
	pkg, _, _ := strings.Cut(k.Package, "_")
	k.Version = strings.TrimPrefix(pkg, "linux-image-")
	k.Modules = filepath.Join(pkgs.Root, "usr/lib/modules", k.Version)
	for _, k.Name = range kernelNames {
		k.Image = filepath.Join(pkgs.Root, "boot", k.Name+"-"+k.Version)
		if _, err = os.Stat(k.Image); err == nil {
			return k, nil
		}
	}
	return nil, fmt.Errorf("deb: %s holds none of %v: %w", k.Package, kernelNames, err)
}

// architecture is how Debian calls an architecture.
type architecture struct{ name, kernel string }

// architectures are by Go's names, where Debian has others. A kernel has the
// name of the architecture in Linux, with what tells its kernels apart.
var architectures = map[string]architecture{
	"ppc64le": {name: "ppc64el", kernel: "powerpc64le"},
}

func debian(goarch string) architecture {
	if a, ok := architectures[goarch]; ok {
		return a
	}
	return architecture{goarch, goarch}
}

// Arch returns Debian's name of an architecture, given Go's.
func Arch(goarch string) string { return debian(goarch).name }

// KernelPackage returns the metapackage of an architecture's usual kernel,
// given Go's name of the architecture.
func KernelPackage(goarch string) string { return "linux-image-" + debian(goarch).kernel }
