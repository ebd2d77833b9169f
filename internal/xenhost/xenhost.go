// Package xenhost runs a whole Xen host, hypervisor, dom0 and toolstack, from
// Debian's packages in QEMU: without root and, because QEMU emulates the
// processor (TCG), without KVM. Domains are created in it by xl, one at a
// time; their disks are virtio disks of dom0 that Linux's blkback serves.
package xenhost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"pvboot/internal/cache"
	"pvboot/internal/cpio"
	"pvboot/internal/qemu"
	"pvboot/internal/tail"
	"pvboot/internal/xenhost/wire"
)

// FileDir is where the host's Files appear in dom0.
const FileDir = "/files/"

// Config is what a host is made of.
type Config struct {
	Cache    cache.Dir
	Arch     string            // amd64 or arm64
	Xen      string            // version, one of Versions
	CPU      string            // QEMU's model of the processor; "" means the machine's usual one
	GIC      int               // version of arm64's interrupt controller, 2 or 3; 0 means DefaultGIC
	Memory   int               // MiB for the domain, beside dom0's own
	Disks    []Disk            // of dom0, in order
	PyGrub   bool              // dom0 can run pygrub
	Files    map[string]string // name below FileDir → file of this machine
	Progress io.Writer         // what is fetched and built
	Log      io.Writer         // Xen's console, dom0's and xl's messages
}

// Disk is a disk of dom0 for the domain.
type Disk struct {
	File       string
	Write      bool // else what is written is forgotten
	SectorSize int  // bytes, 512 or 4096
}

// Device returns the name of the i-th disk in dom0.
func Device(i int) string { return "/dev/vd" + string(rune('a'+i)) }

// maxDisks is the number of disks that Device has names for.
const maxDisks = 26

// Host is a running Xen host.
type Host struct {
	qemu   *qemu.Process
	conn   *wire.Conn
	events chan Event
	log    *tail.Log
	tmp    string
	close  sync.Once
}

// Event is something that dom0 told, and when.
type Event struct {
	Kind  wire.Type
	Time  time.Time
	Data  []byte     // of Output and Failed
	End   wire.End   // of Ended
	Store wire.Store // of Listing
}

// Start brings a host up. Wait for wire.Ready on Events, then Create.
func Start(ctx context.Context, cfg *Config) (*Host, error) {
	if len(cfg.Disks) > maxDisks {
		return nil, fmt.Errorf("%d disks are more than %d", len(cfg.Disks), maxDisks)
	}
	m, err := findMachine(cfg.Arch)
	if err != nil {
		return nil, err
	}
	im, err := m.prepare(ctx, cfg)
	if err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp("", "rig-")
	if err != nil {
		return nil, err
	}
	h := &Host{events: make(chan Event, 64), log: tail.New(cfg.Log), tmp: tmp}
	if err := h.start(ctx, m, cfg, im); err != nil {
		os.RemoveAll(tmp)
		return nil, err
	}
	return h, nil
}

func (h *Host) start(ctx context.Context, m *machine, cfg *Config, im *images) error {
	// QEMU cuts a module's name off at the first space; the cache's folder may
	// have one.
	kernel := filepath.Join(h.tmp, "vmlinux")
	if err := os.Symlink(im.kernel, kernel); err != nil {
		return err
	}
	initramfs := filepath.Join(h.tmp, "initramfs")
	size, err := joinInitramfs(initramfs, im.initramfs, cfg.Files)
	if err != nil {
		return err
	}
	q, err := qemu.NewCommand(cfg.Arch)
	if err != nil {
		return err
	}
	q.Stderr = h.log
	// Files are in dom0's memory once, and a second time while they are
	// unpacked or loaded into a domain.
	dom0 := dom0Memory + int(3*size>>20)
	if cfg.PyGrub {
		dom0 += pygrubMemory
	}
	m.addHost(q, cfg, bootFiles{xen: im.xen, kernel: kernel, initramfs: initramfs, dom0: dom0})
	xen := q.Socket("xen")
	q.Add("-serial", "chardev:xen")
	port := q.Socket("rig")
	q.Add("-device", m.serialDevice, "-device", "virtserialport,chardev=rig,name=rig")
	if h.qemu, err = q.Start(ctx); err != nil {
		return err
	}
	go func() { _, _ = io.Copy(h.log, xen) }()
	h.conn = wire.NewConn(port)
	go h.receive()
	return nil
}

// Events tells what happens, in order. It is closed when the host is gone.
func (h *Host) Events() <-chan Event { return h.events }

// Create makes and unpauses a domain.
func (h *Host) Create(job wire.Job) error { return h.conn.WriteJSON(wire.Start, job) }

// Input sends bytes to the domain's console.
func (h *Host) Input(p []byte) error { return h.conn.Write(wire.Input, p) }

// Destroy ends the domain.
func (h *Host) Destroy() error { return h.conn.Write(wire.Destroy, nil) }

// Inspect asks where the domain is. The answer goes to the log; the event
// wire.Where says that it is there.
func (h *Host) Inspect() error { return h.conn.Write(wire.Inspect, nil) }

// List asks what xenstore holds about the domain; the answer is the event
// wire.Listing.
func (h *Host) List() error { return h.conn.Write(wire.List, nil) }

// LogTail returns the last lines of Xen's and dom0's messages.
func (h *Host) LogTail() string { return h.log.String() }

// Close ends QEMU.
func (h *Host) Close() error {
	var err error
	h.close.Do(func() {
		err = h.qemu.Stop()
		go func() {
			for range h.events { // let receive end
			}
		}()
		if rmErr := os.RemoveAll(h.tmp); err == nil {
			err = rmErr
		}
	})
	return err
}

// receive turns frames into events until the host is gone.
func (h *Host) receive() {
	defer close(h.events)
	for {
		kind, payload, err := h.conn.Read()
		now := time.Now()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				fmt.Fprintf(h.log, "rig: %v\n", err)
			}
			return
		}
		event := Event{Kind: kind, Time: now, Data: payload}
		switch kind {
		case wire.Log:
			fmt.Fprintf(h.log, "%s\n", payload)
			continue
		case wire.Where:
			fmt.Fprintf(h.log, "%s\n", payload)
		case wire.Ended:
			err = json.Unmarshal(payload, &event.End)
		case wire.Listing:
			err = json.Unmarshal(payload, &event.Store)
		}
		if err != nil {
			fmt.Fprintf(h.log, "rig: %v\n", err)
			return
		}
		h.events <- event
	}
}

// joinInitramfs puts dom0's archives and one of extra files together, and
// returns the size of the files in bytes.
func joinInitramfs(name string, archives []string, files map[string]string) (int64, error) {
	out, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	defer out.Close()
	for _, archive := range archives {
		in, err := os.Open(archive)
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(out, in)
		in.Close()
		if err != nil {
			return 0, err
		}
	}
	w := cpio.NewWriter(out)
	var size int64
	for name, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		size += int64(len(data))
		if err := w.File(FileDir+name, 0o644, data); err != nil {
			return 0, err
		}
	}
	if err := w.Close(); err != nil {
		return 0, err
	}
	return size, out.Close()
}
