package xenhost

import (
	"context"
	"io"
	"path/filepath"

	"pvboot/internal/cache"
	"pvboot/internal/deb"
)

// FetchGrub returns the image of GRUB for Xen guests (PvGRUB) that belongs to
// the same release of Debian as a version of Xen. Mode is pvh, pv or pvshim.
func FetchGrub(ctx context.Context, dir cache.Dir, xen, mode string, progress io.Writer) (string, error) {
	rel, err := findRelease(xen)
	if err != nil {
		return "", err
	}
	suite := &deb.Suite{Cache: dir, Name: rel.suite, Arch: "amd64", Progress: progress}
	pkgs, err := suite.Unpack(ctx, "grub-xen-host")
	if err != nil {
		return "", err
	}
	name := "grub-x86_64-xen.bin"
	if mode == "pvh" {
		name = "grub-i386-xen_pvh.bin"
	}
	return filepath.Join(pkgs.Root, "usr/lib/grub-xen", name), nil
}
