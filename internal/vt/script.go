package vt

import (
	"io"
	"strings"
	"time"
)

// Player is a console whose user follows a script, on a clock of its own that
// only waiting moves: tests with time-outs need no real time and have no
// races. Its method set is that of loader/term.Console.
type Player struct {
	*Screen
	Time time.Time
	Log  strings.Builder // every byte that was sent
	// End is called when the program waits for a key and the script has
	// none left, with the wait; nil ends the input with io.EOF when a wait
	// is a second or more for the Idle-th time in a row.
	Idle  int
	steps []Step
	idle  int
}

// Step is what the user does: wait until the screen shows a text, then for a
// while, then press keys.
type Step struct {
	When string        // text on the screen, "" for at once
	Wait time.Duration // after that
	Keys string        // bytes to send
	Do   func(*Screen) // what else to do before the keys go, may be nil
}

// NewPlayer returns a Player with an empty 80 by 24 screen.
func NewPlayer(steps ...Step) *Player {
	return &Player{Screen: New(80, 24), Time: time.Unix(1000, 0), steps: steps, Idle: 120}
}

// Play adds steps.
func (p *Player) Play(steps ...Step) { p.steps = append(p.steps, steps...) }

// Now is the player's clock.
func (p *Player) Now() time.Time { return p.Time }

// Done tells whether every step was taken.
func (p *Player) Done() bool { return len(p.steps) == 0 }

// Waiting is the text that the next step waits for.
func (p *Player) Waiting() string {
	if p.Done() {
		return ""
	}
	return p.steps[0].When
}

// Write shows output.
func (p *Player) Write(b []byte) (int, error) {
	p.Log.Write(b)
	return p.Screen.Write(b)
}

// ReadTimeout gives the keys of the next step once it is due within d; else it
// lets d pass. After Idle seconds without a step the input ends with io.EOF,
// so that a test of a loader that waits for ever ends.
func (p *Player) ReadTimeout(buf []byte, d time.Duration) (int, error) {
	d = max(d, 0)
	if len(p.steps) > 0 && strings.Contains(p.Screen.String(), p.steps[0].When) {
		s := &p.steps[0]
		if s.Wait > d {
			s.Wait -= d
			p.Time = p.Time.Add(d)
			return 0, nil
		}
		p.Time = p.Time.Add(s.Wait)
		p.idle, s.Wait = 0, 0
		if s.Do != nil {
			s.Do(p.Screen)
			s.Do = nil
		}
		n := copy(buf, s.Keys)
		if s.Keys = s.Keys[n:]; s.Keys == "" {
			p.steps = p.steps[1:]
		}
		return n, nil
	}
	if d >= time.Second {
		if p.idle++; p.idle > p.Idle {
			return 0, io.EOF
		}
	}
	p.Time = p.Time.Add(d)
	return 0, nil
}
