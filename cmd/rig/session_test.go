package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pvboot/internal/expect"
	"pvboot/internal/xenhost"
	"pvboot/internal/xenhost/wire"
)

// fakeHost plays a Xen host: each domain's events come from the script, and
// what is done to it is written down.
type fakeHost struct {
	script  [][]xenhost.Event // of one domain after the other
	events  chan xenhost.Event
	did     []string
	configs []string // of the domains
}

func newFakeHost(script ...[]xenhost.Event) *fakeHost {
	h := &fakeHost{script: script, events: make(chan xenhost.Event, 100)}
	h.events <- xenhost.Event{Kind: wire.Ready}
	return h
}

func (h *fakeHost) Events() <-chan xenhost.Event { return h.events }

func (h *fakeHost) Create(job wire.Job) error {
	h.did = append(h.did, "create")
	h.configs = append(h.configs, job.Config)
	for _, e := range h.script[0] {
		h.events <- e
	}
	h.script = h.script[1:]
	if len(h.script) == 0 {
		close(h.events)
	}
	return nil
}

func (h *fakeHost) Input(keys []byte) error {
	h.did = append(h.did, fmt.Sprintf("keys %q", keys))
	return nil
}

func (h *fakeHost) Destroy() error {
	h.did = append(h.did, "destroy")
	return nil
}

func (h *fakeHost) List() error {
	h.did = append(h.did, "list")
	h.events <- xenhost.Event{Kind: wire.Listing, Store: wire.Store{Domain: "7", Text: "/local/domain/7/now = \"\"   (n7)\n"}}
	return nil
}

func (h *fakeHost) Inspect() error {
	h.did = append(h.did, "inspect")
	h.events <- xenhost.Event{Kind: wire.Where}
	return nil
}

// newSession is a session of domains on a Xen host.
func newSession(o *options, host xenHost, out io.Writer) *session {
	return &session{options: o, host: &domains{host, o, &loader{}}, out: out}
}

// domain returns the events of a domain that prints text, 100 ms a piece, and
// then ends for a reason; "" means that it goes on.
func domain(reason string, text ...string) []xenhost.Event {
	at := time.Unix(1000, 0)
	events := []xenhost.Event{
		{Kind: wire.Creating, Time: at},
		{Kind: wire.Created, Time: at.Add(1500 * time.Millisecond)},
		{Kind: wire.Unpause, Time: at.Add(2 * time.Second)},
	}
	for i, s := range text {
		events = append(events, xenhost.Event{
			Kind: wire.Output, Data: []byte(s), Time: at.Add(2*time.Second + time.Duration(i+1)*100*time.Millisecond),
		})
	}
	if reason != "" {
		events = append(events, xenhost.Event{Kind: wire.Ended, End: wire.End{Created: true, Reason: reason}})
	}
	return events
}

func expressions(steps ...string) []*regexp.Regexp {
	var res []*regexp.Regexp
	for _, s := range steps {
		res = append(res, regexp.MustCompile(s))
	}
	return res
}

func TestSession(t *testing.T) {
	const menu = "keys to select which entry is highlighted"
	notCreated := []xenhost.Event{
		{Kind: wire.Creating},
		{Kind: wire.Ended, End: wire.End{Reason: "xl create: exit status 3: no memory"}},
	}
	for _, c := range []struct {
		name    string
		domains [][]xenhost.Event
		expects []string
		keys    []string
		boots   int
		want    string // error; "" for none
		did     []string
	}{
		{name: "all seen ends at once", domains: [][]xenhost.Event{domain("", "a", "b", "c")},
			expects: []string{"a", "b"}, did: []string{"create"}},
		{name: "not seen before the end", domains: [][]xenhost.Event{domain("poweroff", "a")},
			expects: []string{"a", "b"}, want: "the domain ended (poweroff); not seen: b", did: []string{"create"}},
		{name: "wrong order", domains: [][]xenhost.Event{domain("crash", "b", "a")},
			expects: []string{"a", "b"}, want: "the domain ended (crash); not seen: b", did: []string{"create"}},
		{name: "nothing expected, power off", domains: [][]xenhost.Event{domain("poweroff", "a")}, did: []string{"create"}},
		{name: "nothing expected, crash", domains: [][]xenhost.Event{domain("crash", "a")},
			want: "the domain ended: crash", did: []string{"create"}},
		{name: "not created", domains: [][]xenhost.Event{notCreated},
			want: "the domain was not created: xl create: exit status 3: no memory", did: []string{"create"}},
		{name: "host dies", domains: [][]xenhost.Event{domain("", "a")}, expects: []string{"b"},
			want: "the host ended; not seen: b", did: []string{"create"}},
		{name: "dom0 fails", domains: [][]xenhost.Event{{{Kind: wire.Failed, Data: []byte("insert module x: exec format error")}}},
			expects: []string{"b"}, want: "dom0: insert module x: exec format error; not seen: b", did: []string{"create"}},
		{name: "keys", domains: [][]xenhost.Event{domain("", "GRUB "+menu, "sub "+menu, "login")},
			expects: []string{"login"}, keys: []string{menu + `=>\x1b[B\r`, menu + `=>\r`},
			did: []string{"create", `keys "\x1b[B\r"`, `keys "\r"`}},
		{name: "two boots", boots: 2, domains: [][]xenhost.Event{domain("destroyed", "a"), domain("", "a")},
			expects: []string{"a"}, did: []string{"create", "destroy", "create"}},
		{name: "second boot fails", boots: 3, domains: [][]xenhost.Event{domain("destroyed", "a"), domain("crash", "x"), domain("", "a")},
			expects: []string{"a"}, want: "boot 2 of 3: the domain ended (crash); not seen: a",
			did: []string{"create", "destroy", "create"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			host := newFakeHost(c.domains...)
			o := &options{expects: expressions(c.expects...), boots: max(1, c.boots)}
			for _, k := range c.keys {
				press, err := expect.ParsePress(k)
				if err != nil {
					t.Fatal(err)
				}
				o.keys = append(o.keys, press)
			}
			s := newSession(o, host, io.Discard)
			got := ""
			if err := s.run(context.Background()); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("error %q, want %q", got, c.want)
			}
			if diff := cmp.Diff(c.did, host.did); diff != "" {
				t.Errorf("done to the host (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSessionTimeout(t *testing.T) {
	host := newFakeHost(domain("", "a"), nil) // the second keeps the host alive
	s := newSession(&options{expects: expressions("b"), boots: 1, timeout: time.Millisecond}, host, io.Discard)
	if err := s.run(context.Background()); err == nil || !strings.Contains(err.Error(), "timed out after 1ms") {
		t.Errorf("error %v, want a time-out", err)
	}
}

// timesOut is a domain's output that lets the time run out.
type timesOut chan time.Time

func (c timesOut) Write(p []byte) (int, error) {
	c <- time.Time{}
	return len(p), nil
}

// Each -each is a boot, -boots times, and its words end the command line.
func TestSessionEach(t *testing.T) {
	host := newFakeHost(domain("destroyed", "a"), domain("destroyed", "a"), domain("destroyed", "a"), domain("", "a"))
	o := &options{expects: expressions("a"), boots: 2, extra: "x", each: []string{"one", "two"}}
	s := newSession(o, host, io.Discard)
	if err := s.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	var got, reported []string
	for _, c := range host.configs {
		got = append(got, regexp.MustCompile(`extra = .*`).FindString(c))
	}
	for _, r := range s.reports {
		reported = append(reported, r.Each)
	}
	want := []string{`extra = "x one"`, `extra = "x one"`, `extra = "x two"`, `extra = "x two"`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("command lines (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"one", "one", "two", "two"}, reported); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
}

// What xenstore holds is listed when xl has made the domain, and when the last
// -expect was seen, before the domain is destroyed.
func TestSessionStore(t *testing.T) {
	listing := func(text string) xenhost.Event {
		return xenhost.Event{Kind: wire.Listing, Store: wire.Store{Domain: "7", Text: text}}
	}
	name := filepath.Join(t.TempDir(), "store")
	o := &options{expects: expressions("a"), boots: 1, store: name}
	host := newFakeHost(append([]xenhost.Event{listing("paused\n")}, domain("", "a")...), nil)
	if err := newSession(o, host, io.Discard).run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"create", "list"}, host.did); diff != "" {
		t.Errorf("done to the host (-want +got):\n%s", diff)
	}
	for file, want := range map[string]string{".before": "paused\n", ".after": "/local/domain/DOMID/now = \"\"   (nDOMID)\n"} {
		if got, err := os.ReadFile(name + file); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", file, got, err)
		}
	}
	// A domain that ends too early has not been listed.
	host = newFakeHost(append([]xenhost.Event{listing("paused\n")}, domain("poweroff", "a")...), nil)
	err := newSession(o, host, io.Discard).run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "before xenstore was listed") {
		t.Errorf("error %v", err)
	}
}

// memoryHost is a host whose domains need some memory: with less than hang MiB
// they hang, with less than need they crash.
type memoryHost struct {
	*fakeHost
	hang, need int
	tried      []int
}

func (h *memoryHost) Create(job wire.Job) error {
	var memory int
	if _, err := fmt.Sscanf(regexp.MustCompile(`memory = \d+`).FindString(job.Config), "memory = %d", &memory); err != nil {
		return err
	}
	h.tried = append(h.tried, memory)
	events := domain("", "a")
	switch {
	case memory < h.hang:
		events = domain("")
	case memory < h.need:
		events = domain("crash", "x")
	}
	for _, e := range events {
		h.events <- e
	}
	return nil
}

func (h *memoryHost) Destroy() error {
	h.events <- xenhost.Event{Kind: wire.Ended, End: wire.End{Created: true, Reason: "destroyed"}}
	return nil
}

func TestSmallest(t *testing.T) {
	for _, c := range []struct {
		need, step int
		want       int
		tried      []int
	}{
		{need: 70, step: 1, want: 70, tried: []int{128, 64, 96, 80, 72, 68, 70, 69}},
		{need: 70, step: 8, want: 72, tried: []int{128, 64, 96, 80, 72}},
		{need: 128, step: 1, want: 128, tried: []int{128, 64, 96, 112, 120, 124, 126, 127}},
		{need: 1, step: 128, want: 128, tried: []int{128}},
	} {
		host := &memoryHost{fakeHost: newFakeHost(), need: c.need}
		var out bytes.Buffer
		o := &options{expects: expressions("a"), boots: 1, memory: 128, smallest: c.step}
		s := newSession(o, host, &out)
		if err := s.run(context.Background()); err != nil {
			t.Errorf("need %d: %v", c.need, err)
		}
		if diff := cmp.Diff(c.tried, host.tried); diff != "" {
			t.Errorf("need %d (-want +got):\n%s", c.need, diff)
		}
		if want := fmt.Sprintf("\nsmallest memory: %d MiB\n", c.want); !strings.HasSuffix(out.String(), want) {
			t.Errorf("need %d: %q does not end in %q", c.need, out.String(), want)
		}
		if len(s.reports) != 1 || s.reports[0].Memory != c.want {
			t.Errorf("need %d: reports %+v", c.need, s.reports)
		}
	}
	// A domain that does not even boot with all memory is a failure.
	host := &memoryHost{fakeHost: newFakeHost(), need: 200}
	o := &options{expects: expressions("a"), boots: 1, memory: 128, smallest: 1}
	err := newSession(o, host, io.Discard).run(context.Background())
	if err == nil || err.Error() != "the domain ended (crash); not seen: a" {
		t.Errorf("error %v", err)
	}
}

// A domain that hangs is destroyed when patience is at its end; the time of
// -timeout ends it all.
func TestTryHanging(t *testing.T) {
	host := &memoryHost{fakeHost: newFakeHost(), hang: 64, need: 64}
	<-host.events // Ready
	o := &options{expects: expressions("a"), boots: 1, timeout: time.Hour, smallest: 1}
	s := newSession(o, host, io.Discard)
	if passed, err := s.try(context.Background(), nil, 32, time.Millisecond); passed || err != nil {
		t.Errorf("%t, %v", passed, err)
	}
	over := make(chan time.Time, 1)
	over <- time.Time{}
	if _, err := s.try(context.Background(), over, 32, time.Hour); !errors.Is(err, errTimeout) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.try(ctx, nil, 32, time.Hour); !errors.Is(err, errInterrupted) {
		t.Errorf("error %v", err)
	}
}

// When time runs out, the log gets to know where a running domain is; one that
// does not run yet is nowhere.
func TestSessionInspects(t *testing.T) {
	for name, c := range map[string]struct {
		events []xenhost.Event
		did    []string
	}{
		"running":  {domain("", "a"), []string{"create", "inspect"}},
		"creating": {[]xenhost.Event{{Kind: wire.Creating}, {Kind: wire.Output, Data: []byte("a")}}, []string{"create"}},
	} {
		t.Run(name, func(t *testing.T) {
			host := newFakeHost(c.events, nil)
			<-host.events // Ready
			timeout := make(timesOut, 1)
			s := newSession(&options{expects: expressions("b"), boots: 1, timeout: time.Minute}, host, timeout)
			err := s.bootOnce(context.Background(), timeout, variant{}, true)
			if err == nil || err.Error() != "timed out after 1m0s; not seen: b" {
				t.Errorf("error %v, want a time-out", err)
			}
			if diff := cmp.Diff(c.did, host.did); diff != "" {
				t.Errorf("done to the host (-want +got):\n%s", diff)
			}
		})
	}
}

// Boots after the first wait, unless the time is over.
func TestSessionRest(t *testing.T) {
	host := newFakeHost(domain("destroyed", "a"), domain("", "a"))
	o := &options{expects: expressions("a"), boots: 2, rest: time.Millisecond}
	if err := newSession(o, host, io.Discard).run(context.Background()); err != nil {
		t.Fatal(err)
	}
	host = newFakeHost(domain("destroyed", "a"), domain("", "a"))
	o.rest, o.timeout = time.Hour, time.Millisecond
	err := newSession(o, host, io.Discard).run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "timed out after 1ms") {
		t.Errorf("error %v, want a time-out", err)
	}
}

func TestSessionInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s := newSession(&options{boots: 1}, &fakeHost{events: make(chan xenhost.Event)}, io.Discard)
	if err := s.run(ctx); err == nil || err.Error() != "interrupted" {
		t.Errorf("error %v, want interrupted", err)
	}
}

// Keys of the terminal reach the domain, and the end of them ends the session.
func TestSessionKeyboard(t *testing.T) {
	host := newFakeHost(domain(""), nil)
	keyboard := make(chan []byte)
	s := newSession(&options{boots: 1}, host, io.Discard)
	s.keyboard = keyboard
	go func() {
		keyboard <- []byte("e")
		close(keyboard)
	}()
	if err := s.run(context.Background()); !errors.Is(err, errLeft) {
		t.Errorf("error %v, want %v", err, errLeft)
	}
	if !strings.Contains(strings.Join(host.did, " "), `keys "e"`) {
		t.Errorf("the key did not arrive: %v", host.did)
	}
}

func TestReport(t *testing.T) {
	host := newFakeHost(
		domain("destroyed", "x", "keys to select which entry is highlighted", "[    0.000000] Linux version 6.1", "PVBOOT-OK", "END"),
		domain("poweroff", "x"),
	)
	o := &options{
		loader: "pvgrub", arch: "amd64", mode: "pvh", xen: "4.17",
		expects: expressions("PVBOOT-OK", "END"), boots: 2, json: filepath.Join(t.TempDir(), "times"),
	}
	var out bytes.Buffer
	s := newSession(o, host, &out)
	if err := s.run(context.Background()); err == nil {
		t.Error("the second boot passed")
	}
	if err := s.writeJSON(nil); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(o.json)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"loader":"pvgrub","arch":"amd64","mode":"pvh","xen":"4.17","create":1.5,"first_byte":0.1,"menu":0.2,"kernel":0.3,"expect":[0.4,0.5]}
{"loader":"pvgrub","arch":"amd64","mode":"pvh","xen":"4.17","create":1.5,"first_byte":0.1,"menu":null,"kernel":null,"expect":[null,null]}
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("-json (-want +got):\n%s", diff)
	}
	var object map[string]any
	if err := json.Unmarshal(bytes.SplitN(got, []byte("\n"), 2)[0], &object); err != nil {
		t.Error(err)
	}
	if !strings.HasPrefix(out.String(), "xkeys to select") {
		t.Errorf("the console was not passed on: %q", out.String())
	}
}
