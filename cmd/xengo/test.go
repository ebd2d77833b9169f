package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

var testCommand = &command{
	name: "test", args: "[-arch A] [-qemu ARGS] PKGS… [go test flags]",
	short: "run packages' tests on bare metal, in QEMU without Xen",
	long: `Runs go test for PKGS on bare metal: each test binary is built as a guest and
booted in QEMU.
Flags are those of go test and may stand before or after the packages. Tests
see no files but their package's testdata, and cannot write any.

  -arch A     amd64, arm64, riscv64, ppc64le or ppc64 (default: this
              machine's, or amd64)
  -qemu ARGS  more arguments for QEMU, separated by spaces`,
}

func init() { testCommand.run = runTest }

// valueFlags are the flags of go test that take the next argument when they
// have no "=".
var valueFlags = map[string]bool{
	"C": true, "p": true, "exec": true, "tags": true, "ldflags": true, "gcflags": true, "asmflags": true,
	"mod": true, "modfile": true, "overlay": true, "o": true, "vet": true, "covermode": true, "coverpkg": true,
	"bench": true, "benchtime": true, "blockprofile": true, "blockprofilerate": true, "count": true,
	"coverprofile": true, "cpu": true, "cpuprofile": true, "fuzz": true, "fuzztime": true,
	"fuzzminimizetime": true, "list": true, "memprofile": true, "memprofilerate": true, "mutexprofile": true,
	"mutexprofilefraction": true, "outputdir": true, "parallel": true, "run": true, "shuffle": true,
	"skip": true, "timeout": true, "trace": true,
}

// refused are flags that xengo sets itself or that cannot work in a guest.
var refused = map[string]string{
	"exec": "xengo runs the tests itself", "overlay": "xengo has an overlay of its own",
	"race": "the race detector needs an operating system", "msan": "it needs an operating system",
	"asan": "it needs an operating system", "fuzz": "fuzzing needs more than one process",
	"coverprofile": "a guest has no files", "cpuprofile": "a guest has no files", "memprofile": "a guest has no files",
	"blockprofile": "a guest has no files", "mutexprofile": "a guest has no files", "trace": "a guest has no files",
}

// testArgs is a test command line taken apart.
type testArgs struct {
	arch     string
	qemu     string // arguments for QEMU
	tags     string
	packages []string
	flags    []string // for go test
	rest     []string // -args and what follows
}

// splitTestArgs separates packages from flags.
func splitTestArgs(args []string) (t testArgs, err error) {
	t.arch = defaultArch()
	for i := 0; i < len(args); i++ {
		a := args[i]
		if !strings.HasPrefix(a, "-") || a == "-" {
			t.packages = append(t.packages, a)
			continue
		}
		name, value, hasValue := strings.Cut(strings.TrimLeft(a, "-"), "=")
		name = strings.TrimPrefix(name, "test.")
		if name == "args" {
			t.rest = args[i:]
			break
		}
		if why, ok := refused[name]; ok {
			return t, fmt.Errorf("-%s: %s", name, why)
		}
		given := []string{a}
		if !hasValue && (valueFlags[name] || name == "arch" || name == "qemu") {
			if i++; i == len(args) {
				return t, fmt.Errorf("flag needs an argument: -%s", name)
			}
			value = args[i]
			given = append(given, value)
		}
		switch name {
		case "arch":
			t.arch = value
			continue
		case "qemu":
			t.qemu = value
			continue
		case "tags":
			t.tags = value
		}
		t.flags = append(t.flags, given...)
	}
	if len(t.packages) == 0 {
		t.packages = []string{"."}
	}
	return t, nil
}

func runTest(c *command, args []string) error {
	if len(args) > 0 {
		switch strings.TrimLeft(args[0], "-") {
		case "h", "help":
			c.help(os.Stdout)
			return nil
		}
	}
	t, err := splitTestArgs(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "xengo test: %v\n", err)
		return errUsage
	}
	b, err := newBuild(t.arch)
	if err != nil {
		return err
	}
	extra, err := b.testFiles(t)
	if err != nil {
		return err
	}
	overlay, err := b.overlay(extra)
	if err != nil {
		return err
	}
	defer os.Remove(overlay)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	exe, err := t.exec(self)
	if err != nil {
		return err
	}
	line := append([]string{"test", "-exec=" + exe}, b.flags(overlay)...)
	line = append(append(append(line, t.packages...), t.flags...), t.rest...)
	cmd := exec.Command("go", line...)
	cmd.Env, cmd.Stdout, cmd.Stderr = b.environ(), os.Stdout, os.Stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return &exitError{exit.ExitCode()}
	}
	return err
}

// exec is the command line, as -exec of go test splits it, that runs a test
// binary.
func (t testArgs) exec(self string) (string, error) {
	line := fmt.Sprintf("'%s' exec -arch %s -files testdata", self, t.arch)
	if t.qemu == "" {
		return line, nil
	}
	args, err := quote("-qemu=" + t.qemu)
	return line + " " + args, err
}

// testFiles makes each tested package import the guest: a file that exists
// only in the overlay, in the external test package so that even what guest
// itself imports can be tested.
func (b *build) testFiles(t testArgs) (map[string][]byte, error) {
	args := t.packages
	if t.tags != "" {
		args = append([]string{"-tags=" + t.tags}, args...)
	}
	out, err := b.list("{{if or .TestGoFiles .XTestGoFiles}}{{.Name}} {{.Dir}}{{end}}", args...)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, line := range strings.Split(out, "\n") {
		name, dir, ok := strings.Cut(line, " ")
		if !ok {
			continue
		}
		files[filepath.Join(dir, "zz_xengo_guest_test.go")] = fmt.Appendf(nil, "package %s_test\n\nimport _ %q\n", name, guestPackage)
	}
	return files, nil
}
