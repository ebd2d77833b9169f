package qemu

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// standIn returns a command whose emulator is a shell script.
func standIn(t *testing.T, script string) *Command {
	t.Helper()
	file := filepath.Join(t.TempDir(), "qemu")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return &Command{Path: file}
}

func start(t *testing.T, ctx context.Context, c *Command) *Process {
	t.Helper()
	p, err := c.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Stop() })
	return p
}

// wait fails the test when QEMU does not end.
func wait(t *testing.T, p *Process) {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(time.Minute):
		t.Fatal("QEMU goes on")
	}
}

func TestPipes(t *testing.T) {
	c := standIn(t, `echo "$@"; exec cat`)
	in, out := c.Pipes("console")
	defer in.Close()
	defer out.Close()
	c.Add("-serial", "chardev:console")
	p := start(t, context.Background(), c)
	lines := bufio.NewReader(out)
	if got, err := lines.ReadString('\n'); err != nil || got != "-chardev stdio,signal=off,id=console -serial chardev:console\n" {
		t.Errorf("arguments %q, %v", got, err)
	}
	if _, err := io.WriteString(in, "hello\n"); err != nil {
		t.Error(err)
	}
	if got, err := lines.ReadString('\n'); err != nil || got != "hello\n" {
		t.Errorf("%q, %v", got, err)
	}
	// QEMU has no other copy of its ends: it sees ours closed, and we its.
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if _, err := lines.ReadByte(); err != io.EOF {
		t.Errorf("error %v, want EOF", err)
	}
	wait(t, p)
}

func TestSockets(t *testing.T) {
	c := standIn(t, `echo "$@" >&3; exec cat <&4 >&4`)
	args, echo := c.Socket("args"), c.Socket("echo")
	defer args.Close()
	defer echo.Close()
	c.Add("-serial", "chardev:args")
	p := start(t, context.Background(), c)
	got, err := bufio.NewReader(args).ReadString('\n')
	if err != nil || got != "-chardev socket,id=args,fd=3 -chardev socket,id=echo,fd=4 -serial chardev:args\n" {
		t.Errorf("arguments %q, %v", got, err)
	}
	roundTrip(t, echo, "hello")
	if err := p.Stop(); err == nil {
		t.Error("a stand-in that was ended by a signal reports success")
	}
	if _, err := echo.Read(make([]byte, 1)); err == nil {
		t.Error("the socket of a dead QEMU can be read")
	}
}

func roundTrip(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != text {
		t.Fatalf("read %q, %v, want %q", got, err, text)
	}
}

func TestEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	p := start(t, ctx, standIn(t, "exec sleep 1000"))
	cancel()
	wait(t, p)
}

func TestStop(t *testing.T) {
	p := start(t, context.Background(), standIn(t, "exec sleep 1000"))
	_ = p.Stop()
	wait(t, p)
	_ = p.Stop() // once more does no harm
}

func TestEndsByItself(t *testing.T) {
	p := start(t, context.Background(), standIn(t, "exit 3"))
	wait(t, p)
	var exit *exec.ExitError
	if err := p.Err(); !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("%v, want exit status 3", err)
	}
}

// QEMU dies with its parent, however that dies. This test runs itself as the
// parent, and kills it.
func TestDiesWithParent(t *testing.T) {
	const environment = "QEMU_TEST_STAND_IN"
	if file := os.Getenv(environment); file != "" {
		p, err := (&Command{Path: file}).Start(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		<-p.Done()
		return
	}
	fifo := filepath.Join(t.TempDir(), "alive")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	// The FIFO is open for writing as long as the stand-in lives.
	script := standIn(t, "exec >"+fifo+"; echo up; exec sleep 1000").Path
	parent := exec.Command(os.Args[0], "-test.run", "^TestDiesWithParent$")
	parent.Env = append(os.Environ(), environment+"="+script)
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	alive, err := os.Open(fifo)
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	up := make([]byte, 3)
	if _, err := io.ReadFull(alive, up); err != nil || string(up) != "up\n" {
		t.Fatalf("stand-in says %q, %v", up, err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	if rest, err := io.ReadAll(alive); err != nil || len(rest) != 0 {
		t.Errorf("then it says %q, %v", rest, err)
	}
}

func TestUnknownArchitecture(t *testing.T) {
	if _, err := NewCommand("m68k"); err == nil || err.Error() != "qemu: no emulator for m68k" {
		t.Errorf("%v", err)
	}
}

func TestEscape(t *testing.T) {
	if got := Escape("a,b,,c"); got != "a,,b,,,,c" {
		t.Errorf("Escape: %q", got)
	}
}
