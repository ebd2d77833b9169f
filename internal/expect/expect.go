// Package expect follows a console: it looks for regular expressions in what
// is printed, in order, and says which keys to press when. It does no I/O; it
// is fed with output in chunks of any size.
package expect

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// window is how much output, in bytes, is kept to find a match in: no match
// can be longer. What was matched is never looked at again.
const window = 16 << 10

// Sequence is a list of expressions that are matched one after the other,
// each on the output after the match before it. Expressions see the output as
// it is, escape sequences and carriage returns included.
type Sequence struct {
	steps []*regexp.Regexp
	seen  []time.Time
	text  []byte // output after the last match, at most window bytes of old and the new chunk
}

// NewSequence returns a sequence of expressions.
func NewSequence(steps ...*regexp.Regexp) *Sequence { return &Sequence{steps: steps} }

// Feed takes the next output, which came at the time now, and returns how many
// steps it completes.
func (s *Sequence) Feed(chunk []byte, now time.Time) int {
	if s.Done() {
		return 0
	}
	s.text = append(s.text, chunk...)
	matched := 0
	for !s.Done() {
		loc := s.steps[len(s.seen)].FindIndex(s.text)
		if loc == nil {
			break
		}
		s.text = s.text[loc[1]:]
		s.seen = append(s.seen, now)
		matched++
	}
	if over := len(s.text) - window; over > 0 {
		s.text = append(s.text[:0], s.text[over:]...)
	}
	return matched
}

// Done says whether every step was seen.
func (s *Sequence) Done() bool { return len(s.seen) == len(s.steps) }

// Seen returns when each step was seen; it is shorter than the list of steps
// when some were not.
func (s *Sequence) Seen() []time.Time { return s.seen }

// Next returns the expression that is waited for, and nil when all were seen.
func (s *Sequence) Next() *regexp.Regexp {
	if s.Done() {
		return nil
	}
	return s.steps[len(s.seen)]
}

// Press is keys to press when an expression is seen.
type Press struct {
	When *regexp.Regexp
	Keys []byte
}

// ParsePress reads "REGEX=>KEYS". KEYS has C's escapes, see Unescape.
func ParsePress(s string) (Press, error) {
	when, keys, ok := strings.Cut(s, "=>")
	if !ok {
		return Press{}, fmt.Errorf("keys %q: want REGEX=>KEYS", s)
	}
	re, err := regexp.Compile(when)
	if err != nil {
		return Press{}, fmt.Errorf("keys %q: %w", s, err)
	}
	b, err := Unescape(keys)
	if err != nil {
		return Press{}, fmt.Errorf("keys %q: %w", s, err)
	}
	return Press{When: re, Keys: b}, nil
}

// Typist presses keys in order.
type Typist struct {
	sequence *Sequence
	presses  []Press
}

// NewTypist returns a Typist of the given presses.
func NewTypist(presses []Press) *Typist {
	t := &Typist{presses: presses}
	var steps []*regexp.Regexp
	for _, p := range presses {
		steps = append(steps, p.When)
	}
	t.sequence = NewSequence(steps...)
	return t
}

// Feed takes the next output and returns the keys to press now.
func (t *Typist) Feed(chunk []byte, now time.Time) []byte {
	before := len(t.sequence.Seen())
	n := t.sequence.Feed(chunk, now)
	var keys []byte
	for _, p := range t.presses[before : before+n] {
		keys = append(keys, p.Keys...)
	}
	return keys
}

// Next returns the expression that is waited for, and nil when all keys were
// pressed.
func (t *Typist) Next() *regexp.Regexp { return t.sequence.Next() }
