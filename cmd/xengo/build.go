package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"pvboot/internal/overlay"
)

// guestPackage makes a program a guest.
const guestPackage = "pvboot/guest"

var buildCommand = &command{
	name: "build", args: "[-arch A] [-o FILE] [-symbols] [-tags T] PKG",
	short: "build a main package as a Xen guest",
	long: `Builds the main package PKG, which must import pvboot/guest, into an image that
xl takes as kernel= of a domain: for amd64 an ELF file for type="pvh" and "pv",
for arm64 and riscv64 a Linux Image, which for arm64 may be compressed with gzip,
and for ppc64le and ppc64 an ELF file like a vmlinux.

  -arch A     amd64, arm64, riscv64, ppc64le or ppc64 (default: this
              machine's, or amd64)
  -o FILE     where to write it (default: the package's name with .elf, with
              .img for an Image)
  -symbols    keep the symbol table, for debuggers; an Image and a vmlinux have
              no place for it, so there it goes to FILE.elf
  -tags T     build tags, as for go build`,
}

func init() { buildCommand.run = runBuild }

// build is one call of the go command for a target.
type build struct {
	target  *target
	goroot  string
	version string // of Go
	cache   string
	tags    string
}

// newBuild finds the toolchain and the cache folder.
func newBuild(arch string) (*build, error) {
	t, err := findTarget(arch)
	if err != nil {
		return nil, err
	}
	out, err := exec.Command("go", "env", "GOROOT", "GOVERSION").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", explain(err))
	}
	goroot, version, ok := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if !ok {
		return nil, fmt.Errorf("go env: unexpected output %q", out)
	}
	cache := os.Getenv("XENGO_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("no cache folder: %w (set XENGO_CACHE)", err)
		}
		cache = filepath.Join(user, "xengo")
	}
	if cache, err = filepath.Abs(cache); err != nil {
		return nil, err
	}
	return &build{target: t, goroot: goroot, version: version, cache: cache}, nil
}

// explain adds what a command said on stderr.
func explain(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
	}
	return err
}

// overlay writes the overlay with extra files and returns its name, which the
// caller removes.
func (b *build) overlay(extra map[string][]byte) (string, error) {
	edits, err := overlay.Edits(b.target.goarch)
	if err != nil {
		return "", err
	}
	files, err := overlay.Apply(b.goroot, b.version, edits)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(b.cache, b.version+"-"+b.target.goarch)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	return overlay.Write(dir, b.goroot, files, extra)
}

// environ is the environment for the go command.
func (b *build) environ() []string {
	return append(append(os.Environ(), "GOOS=linux", "GOARCH="+b.target.goarch, "CGO_ENABLED=0"), b.target.env...)
}

// flags are the flags for the go command: the same input gives the same
// bytes.
func (b *build) flags(overlay string) []string {
	flags := []string{
		"-overlay=" + overlay, "-trimpath", "-buildvcs=false",
		fmt.Sprintf("-ldflags=-w -buildid= -T %#x -R 0x1000", b.target.text),
	}
	if b.tags != "" {
		flags = append(flags, "-tags="+b.tags)
	}
	return flags
}

// list runs go list with a template.
func (b *build) list(format string, args ...string) (string, error) {
	cmd := exec.Command("go", append([]string{"list", "-f", format}, args...)...)
	cmd.Env = b.environ()
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go list: %w", explain(err))
	}
	return strings.TrimSpace(string(out)), nil
}

// checkMain refuses what cannot become an image, before go builds it.
func (b *build) checkMain(pkg string) (importPath string, err error) {
	args := []string{pkg}
	if b.tags != "" {
		args = []string{"-tags=" + b.tags, pkg}
	}
	out, err := b.list("{{.ImportPath}} {{.Name}} {{range .Deps}}{{if eq . \""+guestPackage+"\"}}guest{{end}}{{end}}", args...)
	if err != nil {
		return "", err
	}
	if strings.Contains(out, "\n") {
		return "", fmt.Errorf("%s: more than one package", pkg)
	}
	fields := strings.Fields(out)
	switch {
	case len(fields) < 2 || fields[1] != "main":
		return "", fmt.Errorf("%s is not a main package", pkg)
	case len(fields) < 3:
		return "", fmt.Errorf("%s does not import %s, so it is no guest", pkg, guestPackage)
	}
	return fields[0], nil
}

// image builds pkg and finishes the image at out.
func (b *build) image(pkg, out string, symbols bool) error {
	overlay, err := b.overlay(nil)
	if err != nil {
		return err
	}
	defer os.Remove(overlay)
	dir, err := os.MkdirTemp("", "xengo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	linked := filepath.Join(dir, "linked")
	cmd := exec.Command("go", append(append([]string{"build", "-o", linked}, b.flags(overlay)...), pkg)...)
	cmd.Env, cmd.Stdout, cmd.Stderr = b.environ(), os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build: %w", err)
	}
	if err := b.finish(linked, out, symbols); err != nil {
		return fmt.Errorf("%s: %w", pkg, err)
	}
	return nil
}

// finish turns what the linker wrote into an image, whose name is out.
func (b *build) finish(linked, out string, symbols bool) error {
	data, err := os.ReadFile(linked)
	if err != nil {
		return err
	}
	image, beside, err := b.target.finish(data, symbols)
	if err != nil {
		return err
	}
	if beside != nil {
		if err := os.WriteFile(out+".elf", beside, 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(out, image, 0o755)
}

func runBuild(c *command, args []string) error {
	f := c.flags()
	arch := f.String("arch", defaultArch(), "")
	out := f.String("o", "", "")
	symbols := f.Bool("symbols", false, "")
	tags := f.String("tags", "", "")
	if err := c.parse(f, args); err != nil {
		return err
	}
	if f.NArg() != 1 {
		return errUsage
	}
	b, err := newBuild(*arch)
	if err != nil {
		return err
	}
	b.tags = *tags
	importPath, err := b.checkMain(f.Arg(0))
	if err != nil {
		return err
	}
	if *out == "" {
		*out = path.Base(importPath) + b.target.suffix
	}
	return b.image(f.Arg(0), *out, *symbols)
}

// defaultArch is the host's, where it is a target.
func defaultArch() string {
	if _, ok := targets[runtime.GOARCH]; ok {
		return runtime.GOARCH
	}
	return "amd64"
}
