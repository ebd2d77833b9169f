package menu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pvboot/internal/golden"
	"pvboot/internal/vt"
	"pvboot/loader/term"
)

const header = "pvboot 1.0"

func items(titles ...string) []Item {
	var list []Item
	for _, title := range titles {
		list = append(list, Item{Title: title})
	}
	return list
}

func numbered(n int) []Item {
	var list []Item
	for i := range n {
		list = append(list, Item{Title: fmt.Sprintf("Entry %d", i)})
	}
	return list
}

// TestScreens compares what the user sees when the keys have been pressed.
func TestScreens(t *testing.T) {
	debian := items("Debian GNU/Linux", "Advanced options for Debian GNU/Linux", "Memory test (memtest86+)")
	tests := []struct {
		name string
		menu Menu
		keys string
	}{
		{"plain", Menu{Items: debian, Timeout: NoTimeout}, ""},
		{"countdown", Menu{Items: debian, Timeout: 5, Selected: 1}, ""},
		{"stopped", Menu{Items: debian, Timeout: 5}, "x"},
		{"moved", Menu{Items: debian, Timeout: 5}, "\x1b[Bv^"},
		{"nested", Menu{Items: debian, Timeout: NoTimeout, Nested: true}, ""},
		{"locked", Menu{Items: debian, Timeout: NoTimeout, Locked: true}, "c"},
		{"one", Menu{Items: items("Only"), Timeout: NoTimeout}, "\x1b[A\x1b[B"},
		{"long", Menu{Items: numbered(40), Timeout: NoTimeout}, ""},
		{"long-end", Menu{Items: numbered(40), Timeout: NoTimeout}, "\x05"},
		{"long-back", Menu{Items: numbered(40), Timeout: NoTimeout}, "\x05\x1b[5~\x1b[5~"},
		{"long-page", Menu{Items: numbered(40), Timeout: NoTimeout}, "\x1b[6~\x03\x10"},
		{"long-default", Menu{Items: numbered(40), Timeout: NoTimeout, Selected: 25}, ""},
		{"redrawn", Menu{Items: debian, Timeout: NoTimeout}, "v\x0c"},
		{"notes", Menu{Items: debian, Timeout: 9, Notes: []string{"gone", "error: grub.cfg:3:1: unexpected \"fi\".", "error: " + strings.Repeat("long ", 30), "last"}}, ""},
		{"hostile", Menu{Items: items("\x1b[2J\x1b[31mred\x07", strings.Repeat("wide", 40), "\xff\xfe", "", "tab\there"), Timeout: NoTimeout}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got string
			p := vt.NewPlayer(
				vt.Step{When: header, Keys: tt.keys},
				vt.Step{Do: func(s *vt.Screen) { got = s.String() }},
			)
			p.Idle = 1
			tt.menu.Title = header
			tt.menu.Run(context.Background(), term.New(p, p.Now))
			if p.Unknown != nil {
				t.Errorf("unknown sequences: %v", p.Unknown)
			}
			golden.Check(t, tt.name+".screen", got)
		})
	}
}

// outcome is what a menu did, with the time that it took.
type outcome struct {
	Choice Choice
	Err    error
	Took   time.Duration
	Drawn  bool
}

func play(m Menu, steps ...vt.Step) outcome {
	p := vt.NewPlayer(steps...)
	p.Idle = 10
	start := p.Now()
	m.Title = header
	choice, err := m.Run(context.Background(), term.New(p, p.Now))
	return outcome{choice, err, p.Now().Sub(start), strings.Contains(p.Log.String(), header)}
}

func TestChoices(t *testing.T) {
	three := items("zero", "one", "two")
	three[2].Hotkey = 't'
	tests := []struct {
		name  string
		menu  Menu
		steps []vt.Step
		want  outcome
	}{
		{"time over", Menu{Timeout: 3, Selected: 1}, nil,
			outcome{Choice{Index: 1, Auto: true}, nil, 3 * time.Second, true}},
		{"no time", Menu{Timeout: 0, Selected: 2}, []vt.Step{{Keys: "\r"}},
			outcome{Choice{Index: 2, Auto: true}, nil, 0, false}},
		{"default out of range", Menu{Timeout: 0, Selected: 3}, nil,
			outcome{Choice{Auto: true}, nil, 0, false}},
		{"negative default", Menu{Timeout: 0, Selected: -1}, nil,
			outcome{Choice{Auto: true}, nil, 0, false}},
		{"hidden", Menu{Timeout: 2, Style: Hidden}, nil,
			outcome{Choice{Auto: true, Quiet: true}, nil, 2 * time.Second, false}},
		{"hidden without time", Menu{Timeout: 0, Style: Hidden}, nil,
			outcome{Choice{Auto: true, Quiet: true}, nil, 0, false}},
		{"hidden without time, key held", Menu{Timeout: 0, Style: Hidden}, []vt.Step{{Keys: "\x1b"}, {Wait: time.Second, Keys: "\r"}},
			outcome{Choice{Stopped: true}, nil, time.Second, true}},
		{"countdown", Menu{Timeout: 2, Style: Countdown}, nil,
			outcome{Choice{Auto: true}, nil, 2 * time.Second, false}},
		{"countdown, then menu", Menu{Timeout: 9, Style: Countdown}, []vt.Step{{Wait: 1500 * time.Millisecond, Keys: "\r"}, {When: header, Keys: "v\r"}},
			outcome{Choice{Index: 1, Stopped: true}, nil, 1500 * time.Millisecond, true}},
		{"hotkey while hidden", Menu{Timeout: 9, Style: Hidden}, []vt.Step{{Keys: "t"}},
			outcome{Choice{Index: 2, Stopped: true}, nil, 0, false}},
		{"hidden for ever is the menu", Menu{Timeout: NoTimeout, Style: Hidden}, []vt.Step{{When: header, Keys: "\r"}},
			outcome{Choice{}, nil, 0, true}},
		{"enter", Menu{Timeout: 5}, []vt.Step{{When: "in 4s", Keys: "v\r"}},
			outcome{Choice{Index: 1, Stopped: true}, nil, time.Second, true}},
		{"right arrow", Menu{Timeout: NoTimeout}, []vt.Step{{Keys: "\x1b[B\x1b[B\x1b[C"}},
			outcome{Choice{Index: 2}, nil, 0, true}},
		{"hotkey", Menu{Timeout: NoTimeout}, []vt.Step{{Keys: "t"}},
			outcome{Choice{Index: 2}, nil, 0, true}},
		{"command line", Menu{Timeout: NoTimeout}, []vt.Step{{Keys: "vc"}},
			outcome{Choice{Action: CommandLine, Index: 1}, nil, 0, true}},
		{"no command line", Menu{Timeout: NoTimeout, Locked: true}, []vt.Step{{Keys: "vc\r"}},
			outcome{Choice{Index: 1}, nil, 0, true}},
		{"esc in the first menu", Menu{Timeout: NoTimeout}, []vt.Step{{Keys: "\x1b"}, {Wait: time.Second, Keys: "\r"}},
			outcome{Choice{}, nil, time.Second, true}},
		{"esc in a nested menu", Menu{Timeout: NoTimeout, Nested: true}, []vt.Step{{Keys: "\x1b"}},
			outcome{Choice{Action: Leave}, nil, term.EscDelay, true}},
		{"ends of the list", Menu{Timeout: NoTimeout}, []vt.Step{{Keys: "^^\x1b[5~\x1b[6~vv\r"}},
			outcome{Choice{Index: 2}, nil, 0, true}},
		{"input ends in a countdown", Menu{Timeout: 60, Selected: 1}, nil,
			outcome{Choice{Index: 1, Auto: true}, nil, 10 * time.Second, true}},
		{"input ends while hidden", Menu{Timeout: 60, Selected: 1, Style: Hidden}, nil,
			outcome{Choice{Index: 1, Auto: true, Quiet: true}, nil, 10 * time.Second, false}},
		{"input ends", Menu{Timeout: NoTimeout}, nil,
			outcome{Choice{}, io.EOF, 10 * time.Second, true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.menu.Items = three
			got := play(tt.menu, tt.steps...)
			equal := cmp.Comparer(func(a, b error) bool { return errors.Is(a, b) || errors.Is(b, a) })
			if diff := cmp.Diff(tt.want, got, equal); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoEntries(t *testing.T) {
	if got := play(Menu{Timeout: 5}); got.Err == nil || got.Took != 0 {
		t.Errorf("an empty menu gave %+v", got)
	}
}

// TestDrawsLittle bounds what a key costs on a slow console.
func TestDrawsLittle(t *testing.T) {
	var before, moved, ticked int
	p := vt.NewPlayer()
	p.Play(
		vt.Step{When: header, Do: func(*vt.Screen) { before = p.Log.Len() }},
		vt.Step{When: "in 8s", Do: func(*vt.Screen) { ticked = p.Log.Len() - before; before = p.Log.Len() }, Keys: "x"},
		vt.Step{Do: func(*vt.Screen) { before = p.Log.Len() }, Keys: "v"},
		vt.Step{Do: func(*vt.Screen) { moved = p.Log.Len() - before }, Keys: "\r"},
	)
	m := Menu{Title: header, Items: numbered(40), Timeout: 9}
	if _, err := m.Run(context.Background(), term.New(p, p.Now)); err != nil {
		t.Fatal(err)
	}
	if ticked == 0 || ticked > 100 {
		t.Errorf("a second of the countdown takes %d bytes", ticked)
	}
	if moved == 0 || moved > 250 {
		t.Errorf("moving the highlight takes %d bytes", moved)
	}
}

func TestContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	p := vt.NewPlayer(vt.Step{When: "in 3s", Do: func(*vt.Screen) { cancel() }})
	m := Menu{Title: header, Items: numbered(2), Timeout: 5}
	if _, err := m.Run(ctx, term.New(p, p.Now)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}
