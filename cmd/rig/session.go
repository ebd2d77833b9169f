package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"

	"pvboot/internal/expect"
	"pvboot/internal/xenhost"
	"pvboot/internal/xenhost/wire"
)

// What marks the stages of a boot on the console.
var (
	menuShown   = regexp.MustCompile(`keys to select which entry is highlighted`)
	kernelStart = regexp.MustCompile(`Linux version [0-9]`)
)

// errLeft is returned when the user left the session with Ctrl-].
var errLeft = errors.New("left")

// errTimeout is returned when the time of -timeout is over.
var errTimeout = errors.New("timed out")

// errInterrupted is returned when the user or another program ends the rig.
var errInterrupted = errors.New("interrupted")

// errPatience is returned when a boot of -smallest takes too long.
var errPatience = errors.New("out of patience")

// bootError says what is wrong with a boot whose domain has ended.
type bootError struct{ text string }

func (e *bootError) Error() string { return e.text }

func bootErrorf(format string, args ...any) error {
	return &bootError{fmt.Sprintf(format, args...)}
}

// inspectWait is how long dom0 may take to say where a domain hangs.
const inspectWait = 20 * time.Second

// host is where a session boots: Xen, whose domains come one after the other, or
// machines without Xen. A machine counts as a domain.
type host interface {
	Events() <-chan xenhost.Event
	Create(v variant) error
	Input(keys []byte) error
	Destroy() error
	Inspect() error
	List() error
}

// session is a run of rig boot: one or more boots in one Xen.
type session struct {
	*options
	host     host
	out      io.Writer
	keyboard <-chan []byte // nil without a terminal
	reports  []report
}

// run boots the domain as often as asked, and returns why that failed.
func (s *session) run(ctx context.Context) error {
	var timeout <-chan time.Time
	if s.timeout > 0 {
		timer := time.NewTimer(s.timeout)
		defer timer.Stop()
		timeout = timer.C
	}
	if err := s.waitReady(ctx, timeout); err != nil {
		return err
	}
	if s.smallest > 0 {
		return s.findSmallest(ctx, timeout)
	}
	variants := s.variants()
	for i, v := range variants {
		var err error
		if i > 0 && s.rest > 0 {
			err = s.pause(ctx, timeout)
		}
		if err == nil {
			err = s.bootOnce(ctx, timeout, v, i == len(variants)-1)
		}
		if err != nil && len(variants) > 1 {
			err = fmt.Errorf("boot %d of %d: %w", i+1, len(variants), err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// variant is what one boot has of its own.
type variant struct {
	memory int
	each   string // words of the command line
}

// variants lists the boots that are asked for.
func (s *session) variants() []variant {
	each := s.each
	if len(each) == 0 {
		each = []string{""}
	}
	var all []variant
	for _, words := range each {
		for range s.boots {
			all = append(all, variant{s.memory, words})
		}
	}
	return all
}

// pause lets the host finish what the last domain's end has left it to do.
func (s *session) pause(ctx context.Context, timeout <-chan time.Time) error {
	rest := time.NewTimer(s.rest)
	defer rest.Stop()
	select {
	case <-rest.C:
		return nil
	case <-timeout:
		return fmt.Errorf("timed out after %v", s.timeout)
	case <-ctx.Done():
		return errInterrupted
	}
}

func (s *session) waitReady(ctx context.Context, timeout <-chan time.Time) error {
	event, err := s.next(ctx, timeout)
	if err == nil && event.Kind != wire.Ready {
		err = fmt.Errorf("dom0: %s", event.Data)
	}
	return err
}

// next waits for the next event, while keys go to the domain.
func (s *session) next(ctx context.Context, timeout <-chan time.Time) (xenhost.Event, error) {
	for {
		select {
		case event, ok := <-s.host.Events():
			if !ok {
				return event, errors.New("the host ended")
			}
			if event.Kind == wire.Failed {
				return event, fmt.Errorf("dom0: %s", event.Data)
			}
			return event, nil
		case keys, ok := <-s.keyboard:
			if !ok {
				return xenhost.Event{}, errLeft
			}
			if err := s.host.Input(keys); err != nil {
				return xenhost.Event{}, err
			}
		case <-timeout:
			return xenhost.Event{}, fmt.Errorf("%w after %v", errTimeout, s.timeout)
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errPatience) {
				return xenhost.Event{}, errPatience
			}
			return xenhost.Event{}, errInterrupted
		}
	}
}

// bootOnce creates a domain and follows it until all that is expected was
// seen or, when nothing is expected, until it ends. The last domain is left to
// Close.
func (s *session) bootOnce(ctx context.Context, timeout <-chan time.Time, v variant, last bool) error {
	w := newWatcher(s.options, v)
	defer func() { s.reports = append(s.reports, w.report()) }()
	if err := s.host.Create(v); err != nil {
		return err
	}
	for {
		event, err := s.next(ctx, timeout)
		if errors.Is(err, errTimeout) && !w.unpaused.IsZero() && s.smallest == 0 {
			err = errors.Join(err, s.inspect())
		}
		if err != nil {
			if left := w.expects.Next(); left != nil {
				err = fmt.Errorf("%w; not seen: %s", err, left)
			}
			return err
		}
		keys, err := w.take(event, s.out)
		if err != nil {
			return err
		}
		if len(keys) > 0 {
			if err := s.host.Input(keys); err != nil {
				return err
			}
		}
		if event.Kind == wire.Listing {
			if err := w.writeListing(event.Store); err != nil {
				return err
			}
		}
		switch {
		case event.Kind == wire.Ended:
			return w.verdict(event.End)
		case len(s.expects) == 0 || !w.expects.Done():
		case s.store != "" && w.listings < 2:
			if !w.asked {
				w.asked = true
				if err := s.host.List(); err != nil {
					return err
				}
			}
		case last:
			return nil
		case !w.destroyed:
			w.destroyed = true
			if err := s.host.Destroy(); err != nil {
				return err
			}
		}
	}
}

// inspect has the registers of a domain that hangs written to the log.
func (s *session) inspect() error {
	if err := s.host.Inspect(); err != nil {
		return err
	}
	timeout := time.After(inspectWait)
	for {
		select {
		case event, ok := <-s.host.Events():
			if !ok || event.Kind == wire.Where || event.Kind == wire.Ended {
				return nil
			}
		case <-timeout:
			return nil
		}
	}
}

// writeJSON writes the reports, one object a line.
func (s *session) writeJSON(stdout io.Writer) error {
	if s.json == "" {
		return nil
	}
	out := stdout
	if s.json != "-" {
		f, err := os.Create(s.json)
		if err != nil {
			return err
		}
		defer f.Close()
		out = f
	}
	for _, r := range s.reports {
		if err := json.NewEncoder(out).Encode(r); err != nil {
			return err
		}
	}
	return nil
}

// watcher follows one boot.
type watcher struct {
	*options
	variant                     variant
	creating, created, unpaused time.Time
	firstByte                   time.Time
	menu, kernel, expects       *expect.Sequence
	typist                      *expect.Typist
	asked                       bool // for the second listing of xenstore
	listings                    int  // of xenstore, written to files
	destroyed                   bool
}

func newWatcher(o *options, v variant) *watcher {
	return &watcher{
		options: o,
		variant: v,
		menu:    expect.NewSequence(menuShown),
		kernel:  expect.NewSequence(kernelStart),
		expects: expect.NewSequence(o.expects...),
		typist:  expect.NewTypist(o.keys),
	}
}

// take looks at an event and returns the keys to press. The domain's output
// is passed on to out.
func (w *watcher) take(event xenhost.Event, out io.Writer) (keys []byte, err error) {
	switch event.Kind {
	case wire.Creating:
		w.creating = event.Time
	case wire.Created:
		w.created = event.Time
	case wire.Unpause:
		w.unpaused = event.Time
	case wire.Output:
		if w.firstByte.IsZero() {
			w.firstByte = event.Time
		}
		w.menu.Feed(event.Data, event.Time)
		w.kernel.Feed(event.Data, event.Time)
		w.expects.Feed(event.Data, event.Time)
		keys = w.typist.Feed(event.Data, event.Time)
		_, err = out.Write(event.Data)
	}
	return keys, err
}

// verdict says what is wrong with a boot whose domain has ended.
func (w *watcher) verdict(end wire.End) error {
	switch {
	case !end.Created:
		return bootErrorf("the domain was not created: %s", end.Reason)
	case !w.expects.Done():
		return bootErrorf("the domain ended (%s); not seen: %s", end.Reason, w.expects.Next())
	case w.store != "" && w.listings < 2:
		return bootErrorf("the domain ended (%s) before xenstore was listed: expect something earlier", end.Reason)
	case len(w.options.expects) == 0 && end.Reason != "poweroff" && end.Reason != "reboot":
		return bootErrorf("the domain ended: %s", end.Reason)
	}
	return nil
}
