package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

var runCommand = &command{
	name: "run", args: "[-arch A] [-m MIB] [-qemu ARGS] [-tags T] PKG [ARGS…]",
	short: "build a main package and run it in QEMU, without Xen",
	long: `Builds PKG as xengo build does and runs it in QEMU on a bare machine, where
hypercalls fail with ENOSYS. ARGS become os.Args[1:]. The exit status is the
program's. On riscv64 QEMU's firmware prints some lines before.

  -arch A     amd64, arm64, riscv64, ppc64le or ppc64 (default: this
              machine's, or amd64)
  -m MIB      memory of the machine (default 256)
  -qemu ARGS  more arguments for QEMU, separated by spaces; they win over
              xengo's own, so that -qemu '-cpu max' chooses the processor
  -tags T     build tags, as for go build`,
}

var execCommand = &command{
	name: "exec", args: "[-arch A] [-m MIB] [-qemu ARGS] [-files DIR] FILE [ARGS…]",
	short: "run an image, or a test binary of xengo test -c, in QEMU",
	long: `Runs FILE in QEMU as xengo run does. FILE may be an image of xengo build or what
the go command linked with xengo's overlay.

  -arch A     amd64, arm64, riscv64, ppc64le or ppc64 (default: this
              machine's, or amd64)
  -m MIB      memory of the machine (default 1024)
  -qemu ARGS  more arguments for QEMU, separated by spaces
  -files DIR  a folder that the guest sees by the same relative name, read-only;
              it need not exist`,
}

func init() { runCommand.run, execCommand.run = runRun, runExec }

func runRun(c *command, args []string) error {
	f := c.flags()
	arch := f.String("arch", defaultArch(), "")
	var m machine
	f.StringVar(&m.args, "qemu", "", "")
	f.IntVar(&m.mebibytes, "m", 256, "")
	tags := f.String("tags", "", "")
	if err := c.parse(f, args); err != nil {
		return err
	}
	if f.NArg() < 1 {
		return errUsage
	}
	b, err := newBuild(*arch)
	if err != nil {
		return err
	}
	b.tags = *tags
	if _, err := b.checkMain(f.Arg(0)); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "xengo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	image := filepath.Join(dir, "image")
	if err := b.image(f.Arg(0), image, false); err != nil {
		return err
	}
	m.image = image
	return b.target.boot(m, f.Args()[1:])
}

func runExec(c *command, args []string) error {
	f := c.flags()
	arch := f.String("arch", defaultArch(), "")
	var m machine
	f.StringVar(&m.args, "qemu", "", "")
	f.IntVar(&m.mebibytes, "m", 1024, "")
	files := f.String("files", "", "")
	if err := c.parse(f, args); err != nil {
		return err
	}
	if f.NArg() < 1 {
		return errUsage
	}
	t, err := findTarget(*arch)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "xengo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &build{target: t}
	image := f.Arg(0)
	data, err := os.ReadFile(image)
	if err != nil {
		return err
	}
	if !t.finished(data) {
		image = filepath.Join(dir, "image")
		if err := b.finish(f.Arg(0), image, false); err != nil {
			return fmt.Errorf("%s: %w", f.Arg(0), err)
		}
	}
	m.image = image
	if *files != "" {
		m.ramdisk = filepath.Join(dir, "files")
		if err := writeArchive(m.ramdisk, *files); err != nil {
			return err
		}
	}
	return t.boot(m, f.Args()[1:])
}

// machine is a machine in QEMU and what it boots.
type machine struct {
	image     string
	ramdisk   string // or ""
	mebibytes int
	args      string // more of them for QEMU
}

// boot runs an image in QEMU and returns an exitError for its status. args are
// the program's.
func (t *target) boot(m machine, args []string) error {
	line := make([]string, len(args))
	for i, a := range args {
		quoted, err := quote(a)
		if err != nil {
			return err
		}
		line[i] = quoted
	}
	argv := append(t.qemu(),
		"-accel", "tcg", "-smp", "1", "-m", strconv.Itoa(m.mebibytes),
		"-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
		"-chardev", "stdio,id=out", "-kernel", m.image, "-append", strings.Join(line, " "))
	if m.ramdisk != "" {
		argv = append(argv, "-initrd", m.ramdisk)
	}
	written := ""
	if t.written {
		dir, err := os.MkdirTemp("", "xengo-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		written = filepath.Join(dir, "status")
		argv = append(argv, "-chardev", "file,id=status,path="+written)
	}
	argv = append(argv, strings.Fields(m.args)...)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = childAttributes()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%w (Debian and Ubuntu: apt install %s)", err, t.qemuPackage)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	defer signal.Stop(signals)
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case s := <-signals:
		cmd.Process.Kill()
		<-done
		fmt.Fprintf(os.Stderr, "xengo: %v\n", s)
		return &exitError{exitFail}
	case err := <-done:
		var status []byte
		if written != "" {
			// A QEMU that did not start has not made it.
			status, _ = os.ReadFile(written)
		}
		return t.exited(err, status)
	}
}

// exitBase marks the values that a guest ends QEMU with, exitBase | code, so
// that they differ from QEMU's own (guest/exit.go).
const exitBase = 0x20

// guestStatus is the program's exit status in a value that may be a guest's.
func guestStatus(value int, ok bool) (code int, isGuest bool) {
	return value & 0x1f, ok && value&^0x1f == exitBase
}

// exited turns QEMU's end, and what was written for it, into the guest's.
func (t *target) exited(err error, written []byte) error {
	status := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		status = exit.ExitCode()
	} else if err != nil {
		return fmt.Errorf("qemu: %w", err)
	}
	code, ok := t.status(status, written)
	switch {
	case !ok && err == nil:
		return errors.New("qemu: the guest powered off without a status")
	case !ok:
		return fmt.Errorf("qemu: %w", err)
	case code != 0:
		return &exitError{code}
	}
	return nil
}

// quote writes an argument as guest/args.go reads it.
func quote(a string) (string, error) {
	if strings.ContainsAny(a, "\x00\n") || strings.Contains(a, "'") && strings.Contains(a, `"`) {
		return "", fmt.Errorf("argument %q cannot be put on a command line", a)
	}
	switch {
	case a == "" || strings.ContainsAny(a, " \t\""):
		return "'" + a + "'", nil
	case strings.Contains(a, "'"):
		return `"` + a + `"`, nil
	}
	return a, nil
}
