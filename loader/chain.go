package loader

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"slices"
	"strings"

	"pvboot/loader/fs"
	"pvboot/loader/image"
)

// A guest may bring a boot loader of its own, which a loader that comes from
// the host starts in its place (Xen docs/misc/x86-xenpv-bootloader.pandoc).
// guestLoaderDirs are where it may lie, in the protocol's order: the second
// is for a filesystem that will be mounted at /boot.
var guestLoaderDirs = []string{"boot/xen/", "xen/"}

// chainedWord on a loader's command line says that it is the guest's own one,
// so that it does not look for itself again.
const chainedWord = "pvboot.chained"

// chained tells whether another loader started this one.
func (s *session) chained() bool {
	return slices.Contains(strings.Fields(s.CmdLine), chainedWord)
}

// chain starts the guest's own loader if the device has one. It returns when
// there is none or when it could not be started, which it tells.
func (s *session) chain(ctx context.Context, dev *device) {
	if s.GuestLoader == "" || s.chained() {
		return
	}
	for _, dir := range guestLoaderDirs {
		file := config{dev, dir + s.GuestLoader}
		err := s.chainTo(ctx, file)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, iofs.ErrNotExist):
		case errors.Is(err, image.ErrNotPVH), errors.Is(err, image.ErrNotPV):
			// Distributions install PvGRUB there for PV domains, and a guest
			// that has moved between the two types of domain may have the
			// other's.
			s.term.Printf("%v: not used.\n", err)
		case err != nil:
			s.say("error: %v.", err)
		}
	}
}

// chainTo starts one loader.
func (s *session) chainTo(ctx context.Context, file config) error {
	f, err := file.device.fs.Open(file.path)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	defer f.Close()
	source, ok := f.(fs.File)
	if info, err := f.Stat(); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	} else if !ok || !info.Mode().IsRegular() {
		return fmt.Errorf("%s: not a regular file", file)
	}
	s.term.Printf("starting %s\n", file)
	return (*host)(s).Boot(ctx, image.Request{
		Name:   file.String(),
		Kernel: source,
		// The word comes first: long lines are cut at their end.
		CmdLine: strings.TrimSpace(chainedWord + " " + s.CmdLine),
	})
}
