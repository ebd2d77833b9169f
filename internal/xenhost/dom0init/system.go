package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"pvboot/internal/xenhost/wire"
)

// moduleList names the kernel modules to insert, one file a line, in order.
const moduleList = "/lib/modules/list"

// deviceWait is how long to wait for a device that the kernel is still
// probing.
const deviceWait = 30 * time.Second

func mountAll() error {
	for _, m := range []struct{ source, target, fstype string }{
		{"proc", "/proc", "proc"},
		{"sysfs", "/sys", "sysfs"},
		{"devtmpfs", "/dev", "devtmpfs"},
		{"devpts", "/dev/pts", "devpts"},
		{"tmpfs", "/run", "tmpfs"},
	} {
		if err := mount(m.source, m.target, m.fstype); err != nil {
			return err
		}
	}
	for _, dir := range []string{"/run/lock", "/run/xen", "/run/xenstored", "/var/lib/xen", "/var/lib/xenstored", "/var/log/xen", "/tmp"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	// For pygrub, which draws its menu with curses.
	if err := os.Setenv("TERM", "vt100"); err != nil {
		return err
	}
	return os.Setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
}

func mount(source, target, fstype string) error {
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	if err := syscall.Mount(source, target, fstype, 0, ""); err != nil {
		return fmt.Errorf("mount %s: %w", target, err)
	}
	return nil
}

func insertModules() error {
	list, err := os.ReadFile(moduleList)
	if err != nil {
		return err
	}
	for name := range strings.FieldsSeq(string(list)) {
		if err := insertModule(name); err != nil {
			return fmt.Errorf("insert module %s: %w", name, err)
		}
	}
	return mount("xenfs", "/proc/xen", "xenfs")
}

// startDaemons starts what a Debian dom0 starts at boot.
func startDaemons(conn *wire.Conn) error {
	bin, err := xenBin()
	if err != nil {
		return err
	}
	for _, args := range [][]string{
		{"xenstored", "--pid-file", "/run/xenstored.pid"},
		{"xen-init-dom0"},
		{"xenconsoled", "--pid-file=/run/xenconsoled.pid"},
	} {
		if err := runTool(conn, filepath.Join(bin, args[0]), args[1:]...); err != nil {
			return err
		}
	}
	return nil
}

// xenBin returns the folder of Xen's tools, /usr/lib/xen-VERSION/bin.
func xenBin() (string, error) {
	dirs, err := filepath.Glob("/usr/lib/xen-*/bin")
	if err != nil || len(dirs) != 1 {
		return "", fmt.Errorf("found %d versions of Xen's tools, want one", len(dirs))
	}
	return dirs[0], nil
}

// runTool runs a command to its end; what it prints goes to the rig's log.
// Daemons inherit the output, so it is a file and not a pipe to wait for.
func runTool(conn *wire.Conn, name string, args ...string) error {
	log, err := os.CreateTemp("/tmp", "log-")
	if err != nil {
		return err
	}
	defer os.Remove(log.Name())
	defer log.Close()
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = log, log
	err = cmd.Run()
	out, readErr := os.ReadFile(log.Name())
	if readErr != nil {
		return readErr
	}
	if out = bytes.TrimSpace(out); len(out) > 0 {
		if err := conn.Write(wire.Log, fmt.Appendf(nil, "%s: %s", filepath.Base(name), out)); err != nil {
			return err
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	return nil
}

// openPort opens the virtio-serial port of a name.
func openPort(name string) (*os.File, error) {
	deadline := time.Now().Add(deviceWait)
	for {
		files, err := filepath.Glob("/sys/class/virtio-ports/*/name")
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			have, err := os.ReadFile(file)
			if err == nil && strings.TrimSpace(string(have)) == name {
				return os.OpenFile("/dev/"+filepath.Base(filepath.Dir(file)), os.O_RDWR, 0)
			}
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("no virtio-serial port %s", name)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
