package loader

import (
	"cmp"
	"context"
	"errors"
	"io"
	"runtime"
	"time"

	"pvboot/loader/fs"
	"pvboot/loader/grub"
	"pvboot/loader/image"
	"pvboot/loader/term"
	"pvboot/loader/volume"
)

// host is the session as scripts see it.
type host session

var _ grub.Host = (*host)(nil)

// pauseTime is how long messages stay when nobody presses a key, as in GRUB.
const pauseTime = 10 * time.Second

func (h *host) session() *session { return (*session)(h) }

func (h *host) Arch() string { return cmp.Or(h.Loader.Arch, runtime.GOARCH) }

func (h *host) Devices() []grub.Device {
	var list []grub.Device
	for _, d := range h.devices.all() {
		list = append(list, d.Device)
	}
	return list
}

func (h *host) Lookup(name string) (grub.Device, error) {
	d, err := h.devices.lookup(name)
	if err != nil {
		return grub.Device{}, err
	}
	return d.Device, nil
}

func (h *host) Mount(dev grub.Device) (fs.FS, error) {
	d, err := h.devices.lookup(dev.Name)
	if err != nil {
		return nil, err
	}
	return h.devices.mount(d)
}

func (h *host) Volume(dev grub.Device) (volume.Device, error) {
	d, err := h.devices.lookup(dev.Name)
	if err != nil {
		return nil, err
	}
	return d.vol, nil
}

// Write shows output. It never fails: a console that takes no output is no
// reason not to boot.
func (h *host) Write(p []byte) (int, error) {
	if h.notes != nil {
		h.notes.Write(p)
	}
	h.term.Write(p)
	return len(p), nil
}

func (h *host) Clear() { h.term.Clear() }

func (h *host) ReadLine(ctx context.Context, echo bool) (string, error) {
	line := term.Line{Term: h.term, Silent: !echo}
	s, err := line.Read(ctx, "")
	if errors.Is(err, term.ErrCancelled) {
		err = io.EOF
	}
	return s, err
}

// Sleep ends at Esc when it may be interrupted, and at Ctrl-C in any case,
// which ends the whole script.
func (h *host) Sleep(ctx context.Context, d time.Duration, interruptible bool) (bool, error) {
	end := h.term.Now().Add(d)
	for {
		k, err := h.term.ReadKey(ctx, max(0, end.Sub(h.term.Now())))
		switch {
		case errors.Is(err, term.ErrNoKey):
			return false, nil
		case err != nil:
			return false, err
		case k == term.Esc && interruptible:
			return true, nil
		case k == term.Ctrl('c') && h.stop != nil:
			h.stop()
			return true, nil
		}
	}
}

// Pause keeps messages on the screen until a key is pressed, or for pauseTime.
func (h *host) Pause(ctx context.Context) {
	h.term.Drain() // what was typed before was not meant for this
	h.term.Printf("\nPress any key to continue...")
	h.term.ReadKey(ctx, pauseTime) // any outcome ends the pause
	h.term.Printf("\n")
	if ctx.Err() == nil {
		h.paused = h.interp.Errors()
	}
}

func (h *host) ShowMenu(ctx context.Context, m *grub.Menu, auto bool) error {
	return h.session().showMenu(ctx, m, true, auto)
}

func (h *host) Boot(ctx context.Context, req image.Request) error {
	return h.session().finish(h.Loader.Boot(ctx, req))
}

func (h *host) Halt() error { return h.session().leave(h.Loader.Halt, "halt") }

func (h *host) Reboot() error { return h.session().leave(h.Loader.Reboot, "reboot") }

// leave calls a function that ends the domain.
func (s *session) leave(end func() error, what string) error {
	if end == nil {
		return errors.New(what + " is not possible here")
	}
	return s.finish(end())
}

// finish ends the session when what should never return did its work.
func (s *session) finish(err error) error {
	if err == nil {
		s.done(errDone)
	}
	return err
}
