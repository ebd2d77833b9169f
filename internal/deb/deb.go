// Package deb fetches packages of Debian's archive without touching the
// machine's own package system: apt-get runs with a configuration, state and
// cache of its own, as any user, and dpkg-deb and tar
// unpack. What is fetched is
// verified by apt, from the archive's signing keys down to each file's hash.
package deb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"

	"pvboot/internal/cache"
)

// Environment variables that name other mirrors.
const (
	EnvMirror         = "PVBOOT_MIRROR"
	EnvSecurityMirror = "PVBOOT_SECURITY_MIRROR"
)

const (
	defaultMirror         = "http://deb.debian.org/debian"
	defaultSecurityMirror = "http://deb.debian.org/debian-security"
)

// Suite is one release of Debian for one architecture. Packages are unpacked
// into one tree, as if they were installed, but no package script runs.
type Suite struct {
	Cache    cache.Dir
	Name     string    // bookworm
	Arch     string    // amd64, Debian's name of it
	Progress io.Writer // gets apt's messages while it downloads

	// MainOnly leaves the security archive out. What only ever runs in a test
	// needs no fixes, and cannot fail because a mirror is behind with them.
	MainOnly bool
}

// Packages is a set of unpacked packages.
type Packages struct {
	Root     string            // where all packages of the suite are unpacked
	Versions map[string]string // name → file name of the package, with its version
}

// Key hashes the names and versions of the packages.
func (p *Packages) Key() string {
	var parts []string
	for name, version := range p.Versions {
		parts = append(parts, name+"="+version)
	}
	sort.Strings(parts)
	return cache.Key(parts...)
}

// Unpack returns the named packages, fetching those that are not yet there.
// Dependencies are not followed, with one exception: linux-image-amd64 and
// its like stand for the kernel that they depend on.
func (s *Suite) Unpack(ctx context.Context, names ...string) (*Packages, error) {
	pkgs := &Packages{Root: s.dir("root"), Versions: map[string]string{}}
	if len(s.missing(names, pkgs)) == 0 {
		return pkgs, nil
	}
	unlock, err := s.Cache.Lock(filepath.Join("deb", s.Name+"-"+s.Arch))
	if err != nil {
		return nil, err
	}
	defer unlock()
	missing := s.missing(names, pkgs)
	if len(missing) == 0 {
		return pkgs, nil
	}
	for _, dir := range []string{"root", "have", "apt"} {
		if err := os.MkdirAll(s.dir(dir), 0o755); err != nil {
			return nil, err
		}
	}
	fmt.Fprintf(s.Progress, "fetching %d packages of Debian %s (%s)\n", len(missing), s.Name, s.Arch)
	if err := s.mergeUsr(); err != nil {
		return nil, err
	}
	err = s.fetch(ctx, missing)
	if err != nil {
		return nil, fmt.Errorf("deb: %s %s: %w", s.Name, s.Arch, err)
	}
	if missing = s.missing(names, pkgs); len(missing) != 0 {
		return nil, fmt.Errorf("deb: %s %s: %s: not unpacked", s.Name, s.Arch, strings.Join(missing, " "))
	}
	return pkgs, nil
}

// missing fills in the versions of the packages that are unpacked and returns
// the names of the others.
func (s *Suite) missing(names []string, pkgs *Packages) []string {
	var missing []string
	for _, name := range names {
		version, err := os.ReadFile(s.dir("have", name))
		if err != nil {
			missing = append(missing, name)
			continue
		}
		pkgs.Versions[name] = string(version)
	}
	return missing
}

// mergeUsr makes /bin, /sbin, /lib and /lib64 links into /usr, as they are on
// every Debian since bookworm, so that packages built for either shape unpack
// into one tree.
func (s *Suite) mergeUsr() error {
	for _, name := range []string{"bin", "sbin", "lib", "lib64"} {
		if err := os.MkdirAll(s.dir("root", "usr", name), 0o755); err != nil {
			return err
		}
		link := s.dir("root", name)
		if _, err := os.Lstat(link); err == nil {
			continue
		}
		if err := os.Symlink("usr/"+name, link); err != nil {
			return err
		}
	}
	return nil
}

// fetch downloads and unpacks packages. The index of the archive is kept; it
// is read again when it is older than what the mirror holds by now.
func (s *Suite) fetch(ctx context.Context, names []string) error {
	apt, err := s.configure(ctx)
	if err != nil {
		return err
	}
	if !apt.hasIndex() {
		if err := apt.update(ctx); err != nil {
			return err
		}
	}
	err = s.fetchWith(ctx, apt, names)
	if err == nil || ctx.Err() != nil {
		return err
	}
	fmt.Fprintf(s.Progress, "%v: reading the archive's index again\n", err)
	if err := apt.update(ctx); err != nil {
		return err
	}
	return s.fetchWith(ctx, apt, names)
}

func (s *Suite) fetchWith(ctx context.Context, apt *apt, names []string) error {
	tmp, err := os.MkdirTemp(s.dir(), "download-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	real := map[string]string{} // package in the archive → name asked for
	var ask []string
	for _, name := range names {
		pkg, err := apt.resolve(ctx, name)
		if err != nil {
			return err
		}
		real[pkg] = name
		ask = append(ask, pkg)
	}
	if err := apt.download(ctx, tmp, ask); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(tmp, "*.deb"))
	if err != nil {
		return err
	}
	for _, file := range files {
		pkg, _, _ := strings.Cut(filepath.Base(file), "_")
		name, ok := real[pkg]
		if !ok {
			return fmt.Errorf("apt-get downloaded %s, which was not asked for", filepath.Base(file))
		}
		if err := extract(ctx, file, s.dir("root")); err != nil {
			return err
		}
		if err := writeFile(s.dir("have", name), filepath.Base(file)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Suite) dir(names ...string) string {
	return s.Cache.Path(append([]string{"deb", s.Name + "-" + s.Arch}, names...)...)
}

// extract unpacks a package. Where dpkg -x would replace the links of mergeUsr
// by folders, tar can be told to follow them.
func extract(ctx context.Context, file, root string) error {
	var msg bytes.Buffer
	dpkg := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", file)
	tar := exec.CommandContext(ctx, "tar", "-x", "-C", root, "--keep-directory-symlink", "--no-same-owner")
	dpkg.Stderr, tar.Stderr = &msg, &msg
	var err error
	if tar.Stdin, err = dpkg.StdoutPipe(); err != nil {
		return err
	}
	if err := dpkg.Start(); err != nil {
		return err
	}
	tarErr := tar.Run()
	err = errors.Join(dpkg.Wait(), tarErr)
	if err != nil {
		return fmt.Errorf("unpack %s: %w: %s", filepath.Base(file), err, bytes.TrimSpace(msg.Bytes()))
	}
	return nil
}

// writeFile writes a file so that it is complete when it is there.
func writeFile(name, content string) error {
	tmp := name + ".new"
	if err := os.WriteFile(tmp, []byte(content), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, name)
}
