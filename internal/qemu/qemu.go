// Package qemu runs QEMU as a child process that never outlives its parent,
// with sockets to its character devices.
package qemu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopWait is how long QEMU may take to end after SIGTERM, in which time it
// closes its disk images.
const stopWait = 5 * time.Second

// Command is a QEMU that is being set up.
type Command struct {
	Path   string
	Args   []string
	Stderr io.Writer

	ends       []*os.File // QEMU's ends of the sockets
	stdin, out *os.File   // and of Pipes
	err        error
}

// NewCommand returns the command of the emulator of an architecture, by its
// name in Go: amd64, arm64.
func NewCommand(arch string) (*Command, error) {
	name, ok := map[string]string{"amd64": "x86_64", "arm64": "aarch64", "ppc64": "ppc64", "riscv64": "riscv64"}[arch]
	if !ok {
		return nil, fmt.Errorf("qemu: no emulator for %s", arch)
	}
	file, err := exec.LookPath("qemu-system-" + name)
	if err != nil {
		return nil, fmt.Errorf("qemu: %w (scripts/install-host-packages installs it)", err)
	}
	return &Command{Path: file}, nil
}

// Add appends arguments.
func (c *Command) Add(args ...string) { c.Args = append(c.Args, args...) }

// Socket adds a character device with the given id, and returns the other end
// of it.
func (c *Command) Socket(id string) net.Conn {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		c.err = fmt.Errorf("qemu: socketpair: %w", err)
		return nil
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), id), os.NewFile(uintptr(fds[1]), id)
	defer ours.Close()
	c.ends = append(c.ends, theirs)
	// The child's file descriptors start behind the standard three.
	c.Add("-chardev", fmt.Sprintf("socket,id=%s,fd=%d", id, 2+len(c.ends)))
	conn, err := net.FileConn(ours)
	if err != nil {
		c.err = fmt.Errorf("qemu: socket: %w", err)
	}
	return conn
}

// pipeSize is what a pipe is asked to hold, in bytes; any user may have that much.
const pipeSize = 1 << 20

// Pipes adds a character device with the given id, and returns the other ends of the
// two pipes that it consists of. There is one for each QEMU. A serial port wants
// it: QEMU's 16550 writes byte by byte, of which a socket holds some two hundred,
// and drops what has no room (hw/char/serial.c, MAX_XMIT_RETRY).
func (c *Command) Pipes(id string) (in io.WriteCloser, out io.ReadCloser) {
	stdin, ours, err := os.Pipe()
	if err != nil {
		c.err = fmt.Errorf("qemu: pipe: %w", err)
		return nil, nil
	}
	theirs, stdout, err := os.Pipe()
	if err != nil {
		c.err = fmt.Errorf("qemu: pipe: %w", err)
		return nil, nil
	}
	enlarge(stdout)
	c.stdin, c.out = stdin, stdout
	c.Add("-chardev", "stdio,signal=off,id="+id)
	return ours, theirs
}

// enlarge gives a pipe pipeSize bytes, if the system lets it.
func enlarge(pipe *os.File) {
	const setPipeSize = 1031 // F_SETPIPE_SZ, linux/fcntl.h
	conn, err := pipe.SyscallConn()
	if err != nil {
		return
	}
	_ = conn.Control(func(fd uintptr) { _, _, _ = syscall.Syscall(syscall.SYS_FCNTL, fd, setPipeSize, pipeSize) })
}

// Process is a running QEMU.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // valid when done is closed
	stop sync.Once
}

// Start starts QEMU. It is ended when the context is, and when this process
// dies in whatever way.
func (c *Command) Start(ctx context.Context) (*Process, error) {
	defer func() {
		for _, f := range append(c.ends, c.stdin, c.out) {
			f.Close() // of nil, an error
		}
	}()
	if c.err != nil {
		return nil, c.err
	}
	p := &Process{cmd: exec.Command(c.Path, c.Args...), done: make(chan struct{})}
	p.cmd.Stderr = c.Stderr
	p.cmd.ExtraFiles = c.ends
	if c.stdin != nil {
		p.cmd.Stdin, p.cmd.Stdout = c.stdin, c.out
	}
	// A group of its own keeps the terminal's signals away: Ctrl-C is for us.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		// Pdeathsig fires when the thread that started the child ends.
		runtime.LockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("qemu: %w", err)
	}
	context.AfterFunc(ctx, func() { _ = p.Stop() })
	return p, nil
}

// Done is closed when QEMU has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how QEMU ended; call it after Done. It is nil for an orderly end.
func (p *Process) Err() error { return p.err }

// Stop ends QEMU and waits until it is gone.
func (p *Process) Stop() error {
	p.stop.Do(func() {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); errors.Is(err, os.ErrProcessDone) {
			return
		}
		select {
		case <-p.done:
		case <-time.After(stopWait):
			_ = p.cmd.Process.Kill()
		}
	})
	<-p.done
	return p.err
}

// Escape doubles the commas of a value in one of QEMU's option lists.
func Escape(value string) string { return strings.ReplaceAll(value, ",", ",,") }
