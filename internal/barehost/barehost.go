// Package barehost boots machines without Xen in QEMU, one after the other: a
// kernel with an initrd, on the machine's own console. Without KVM and root, as
// package xenhost, and with its events.
package barehost

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"pvboot/internal/qemu"
	"pvboot/internal/tail"
	"pvboot/internal/xenhost"
	"pvboot/internal/xenhost/wire"
)

// Machine is what boots.
type Machine struct {
	Arch    string // amd64, arm64, ppc64 (of either byte order) or riscv64
	Model   string // QEMU's machine, with its options; "" means the usual one
	CPU     string // QEMU's model of the processor; "" means the machine's usual one
	Memory  int    // MiB
	Kernel  string // file
	Initrd  string // file; "" means none
	CmdLine string
	Devices []string // more of QEMU's options -device
}

// usual is what a machine has when nothing else is asked for.
type usual struct{ model, cpu string }

var machines = map[string]usual{
	"amd64":   {"q35", "qemu64"},
	"arm64":   {"virt", xenhost.DefaultCPU},
	"ppc64":   {"pseries", "power9"},
	"riscv64": {"virt", "rv64"},
}

// Arches are the architectures that there are machines of.
func Arches() []string { return slices.Sorted(maps.Keys(machines)) }

// Host makes the machines.
type Host struct {
	ctx    context.Context
	events chan xenhost.Event
	log    *tail.Log

	mu   sync.Mutex
	run  *run // the last machine, nil before the first
	done chan struct{}
	over sync.Once
}

// run is one machine.
type run struct {
	qemu    *qemu.Process
	keys    io.WriteCloser
	console io.ReadCloser
	monitor *monitor
	stopped bool // by Destroy
}

// Start returns a host, which is ready at once. Machines end with the context.
func Start(ctx context.Context, log io.Writer) *Host {
	h := &Host{ctx: ctx, events: make(chan xenhost.Event, 64), log: tail.New(log), done: make(chan struct{})}
	h.send(xenhost.Event{Kind: wire.Ready})
	return h
}

// Events tells what happens, in order: of each machine what xenhost tells of a
// domain.
func (h *Host) Events() <-chan xenhost.Event { return h.events }

// LogTail returns the last lines of QEMU's messages.
func (h *Host) LogTail() string { return h.log.String() }

// send passes an event on, with the time.
func (h *Host) send(e xenhost.Event) {
	e.Time = time.Now()
	select {
	case h.events <- e:
	case <-h.done:
	}
}

// Create starts a machine, when the last one has ended. What QEMU says against
// that is an event, as xl's refusal is.
func (h *Host) Create(m Machine) error {
	h.send(xenhost.Event{Kind: wire.Creating})
	q, err := m.command()
	if err != nil {
		return err
	}
	var messages bytes.Buffer
	q.Stderr = io.MultiWriter(&messages, h.log)
	r := &run{}
	r.keys, r.console = q.Pipes("console")
	q.Add("-serial", "chardev:console")
	control := q.Socket("monitor")
	q.Add("-mon", "chardev=monitor,mode=control", "-S")
	if r.qemu, err = q.Start(h.ctx); err != nil {
		return err
	}
	r.monitor, err = newMonitor(control)
	if err != nil {
		_ = r.qemu.Stop()
		reason := strings.TrimSpace(messages.String())
		if reason == "" {
			reason = err.Error()
		}
		h.send(xenhost.Event{Kind: wire.Ended, End: wire.End{Reason: reason}})
		return nil
	}
	h.mu.Lock()
	h.run = r
	h.mu.Unlock()
	h.send(xenhost.Event{Kind: wire.Created})
	h.send(xenhost.Event{Kind: wire.Unpause})
	if err := r.monitor.execute("cont", nil); err != nil {
		return err
	}
	go h.follow(r)
	return nil
}

// command is QEMU's.
func (m *Machine) command() (*qemu.Command, error) {
	def, ok := machines[m.Arch]
	if !ok {
		return nil, fmt.Errorf("no machine of architecture %s: want one of %v", m.Arch, Arches())
	}
	q, err := qemu.NewCommand(m.Arch)
	if err != nil {
		return nil, err
	}
	if m.Model != "" {
		def.model = m.Model
	}
	if m.CPU != "" {
		def.cpu = m.CPU
	}
	q.Add("-machine", def.model, "-accel", "tcg", "-cpu", def.cpu, "-smp", "1", "-m", fmt.Sprint(m.Memory),
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-kernel", m.Kernel)
	if m.Initrd != "" {
		q.Add("-initrd", m.Initrd)
	}
	for _, d := range m.Devices {
		q.Add("-device", d)
	}
	if m.CmdLine != "" {
		q.Add("-append", m.CmdLine)
	}
	return q, nil
}

// follow passes on what a machine prints, and how it ends.
func (h *Host) follow(r *run) {
	ended := make(chan string, 1)
	go func() { ended <- r.monitor.watch(h.registers) }()
	for {
		buf := make([]byte, 4096)
		n, err := r.console.Read(buf)
		if n > 0 {
			h.send(xenhost.Event{Kind: wire.Output, Data: buf[:n]})
		}
		if err != nil {
			break
		}
	}
	reason := <-ended
	<-r.qemu.Done()
	r.console.Close()
	r.keys.Close()
	h.mu.Lock()
	if reason == "" {
		reason = "poweroff" // by a register that ends QEMU at once, as riscv64's machine has
		if r.stopped {
			reason = "destroyed"
		} else if err := r.qemu.Err(); err != nil {
			reason = "QEMU: " + err.Error()
		}
	}
	h.mu.Unlock()
	h.send(xenhost.Event{Kind: wire.Ended, End: wire.End{Created: true, Reason: reason}})
}

// registers writes what Inspect asked for to the log.
func (h *Host) registers(text string) {
	fmt.Fprintf(h.log, "%s\n", strings.ReplaceAll(text, "\r", ""))
	h.send(xenhost.Event{Kind: wire.Where})
}

// current is the last machine.
func (h *Host) current() (*run, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.run == nil {
		return nil, fmt.Errorf("no machine runs")
	}
	return h.run, nil
}

// Input sends bytes to the machine's console.
func (h *Host) Input(p []byte) error {
	r, err := h.current()
	if err != nil {
		return err
	}
	if _, err := r.keys.Write(p); err != nil {
		fmt.Fprintf(h.log, "rig: keys: %v\n", err) // the machine's end is told
	}
	return nil
}

// Destroy ends the machine.
func (h *Host) Destroy() error {
	r, err := h.current()
	if err != nil {
		return err
	}
	h.mu.Lock()
	r.stopped = true
	h.mu.Unlock()
	go func() { _ = r.qemu.Stop() }()
	return nil
}

// Inspect asks for the machine's registers. The answer goes to the log; the event
// wire.Where says that it is there.
func (h *Host) Inspect() error {
	r, err := h.current()
	if err != nil {
		return err
	}
	return r.monitor.inspect()
}

// Close ends the machine and the events.
func (h *Host) Close() error {
	h.over.Do(func() { close(h.done) })
	if r, err := h.current(); err == nil {
		_ = r.qemu.Stop() // its status is not the session's
	}
	return nil
}
