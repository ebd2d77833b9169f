package term

import "unicode/utf8"

// Decoder turns the bytes that a terminal sends into keys. It is a state
// machine without I/O: bytes may come in any pieces. The zero value is ready.
//
// Understood are ECMA-48 control sequences (ESC [, with parameters), SS3
// sequences (ESC O), the Linux console's ESC [ [ A to E, and UTF-8. A
// sequence that means no key we know is swallowed whole, so that its letters
// are never taken for menu keys; a key with Alt (ESC and a character) gives
// the character alone after Esc.
type Decoder struct {
	state state
	seq   []byte // parameter bytes of a control sequence
	utf   []byte // unfinished UTF-8
	cr    bool   // the last byte was CR: a LF after it is the same Enter
}

type state int

const (
	ground   state = iota
	escape         // ESC
	control        // ESC [
	function       // ESC O
	linuxKey       // ESC [ [
)

// maxSeq bounds the parameter bytes of a control sequence; real ones have a
// handful. A longer one is swallowed up to its final byte.
const maxSeq = 16

// Pending tells whether a sequence has begun and not ended: after EscDelay
// without another byte the caller should Flush.
func (d *Decoder) Pending() bool { return d.state != ground || len(d.utf) > 0 }

// Flush ends an unfinished sequence and appends the keys that it stands for:
// Esc when Esc was pressed alone, nothing for the stump of a longer one.
func (d *Decoder) Flush(keys []Key) []Key {
	if d.state == escape {
		keys = append(keys, Esc)
	}
	if len(d.utf) > 0 {
		keys = append(keys, utf8.RuneError)
	}
	*d = Decoder{seq: d.seq[:0], utf: d.utf[:0]}
	return keys
}

// Feed decodes p and appends its keys.
func (d *Decoder) Feed(keys []Key, p []byte) []Key {
	for _, c := range p {
		switch d.state {
		case ground:
			keys = d.ground(keys, c)
		case escape:
			keys = d.escape(keys, c)
		case control:
			keys = d.control(keys, c)
		case function:
			d.state = ground
			if k, ok := ss3Keys[c]; ok {
				keys = append(keys, k)
			} else if c < ' ' {
				keys = d.ground(keys, c)
			}
		case linuxKey:
			d.state = ground
			if c >= 'A' && c <= 'E' {
				keys = append(keys, F1+Key(c-'A'))
			}
		}
	}
	return keys
}

// ground decodes a byte outside any sequence.
func (d *Decoder) ground(keys []Key, c byte) []Key {
	afterCR := d.cr
	d.cr = c == '\r'
	if len(d.utf) > 0 && c&0xc0 != 0x80 {
		keys = append(keys, utf8.RuneError)
		d.utf = d.utf[:0]
	}
	switch {
	case c == 0x1b:
		d.state = escape
	case c == '\n' && afterCR:
	case c == '\r' || c == '\n':
		keys = append(keys, Enter)
	case c == 0x7f || c == 0x08:
		keys = append(keys, Backspace)
	case c < utf8.RuneSelf:
		keys = append(keys, Key(c))
	default:
		keys = d.multibyte(keys, c)
	}
	return keys
}

// multibyte collects a character of UTF-8.
func (d *Decoder) multibyte(keys []Key, c byte) []Key {
	d.utf = append(d.utf, c)
	if !utf8.FullRune(d.utf) {
		return keys
	}
	r, _ := utf8.DecodeRune(d.utf)
	d.utf = d.utf[:0]
	return append(keys, Key(r))
}

// escape decodes the byte after ESC.
func (d *Decoder) escape(keys []Key, c byte) []Key {
	switch c {
	case '[':
		d.state, d.seq = control, d.seq[:0]
	case 'O':
		d.state = function
	case 0x1b: // the first one stood alone
		keys = append(keys, Esc)
	default:
		d.state = ground
		keys = d.ground(append(keys, Esc), c)
	}
	return keys
}

// control decodes a byte of a control sequence: parameters 0x30-0x3f,
// intermediates 0x20-0x2f, final byte 0x40-0x7e (ECMA-48, 5.4).
func (d *Decoder) control(keys []Key, c byte) []Key {
	switch {
	case c == '[' && len(d.seq) == 0:
		d.state = linuxKey
	case c >= 0x20 && c <= 0x3f:
		if len(d.seq) < maxSeq {
			d.seq = append(d.seq, c)
		}
	case c >= 0x40 && c <= 0x7e:
		d.state = ground
		if k, ok := controlKey(d.seq, c); ok {
			keys = append(keys, k)
		}
	default: // not part of any sequence: it was cut off
		d.state = ground
		keys = d.ground(keys, c)
	}
	return keys
}

// ss3Keys are the final bytes after ESC O: VT100 cursor keys in application
// mode, PF keys, and xterm's Home and End.
var ss3Keys = map[byte]Key{
	'A': Up, 'B': Down, 'C': Right, 'D': Left, 'H': Home, 'F': End,
	'P': F1, 'Q': F2, 'R': F3, 'S': F4, 'M': Enter,
}

// csiKeys are final bytes after ESC [ with no or any parameters (which are
// modifiers, as in xterm's ESC [ 1 ; 5 A for Ctrl-Up).
var csiKeys = map[byte]Key{
	'A': Up, 'B': Down, 'C': Right, 'D': Left, 'H': Home, 'F': End,
	'K': End, 'P': F1, 'Q': F2, 'R': F3, 'S': F4, '@': Insert,
}

// tildeKeys are the first parameters of ESC [ n ~ (VT220, rxvt, Linux).
var tildeKeys = map[int]Key{
	1: Home, 2: Insert, 3: Delete, 4: End, 5: PageUp, 6: PageDown, 7: Home, 8: End,
	11: F1, 12: F2, 13: F3, 14: F4, 15: F5, 17: F6, 18: F7, 19: F8, 20: F9, 21: F10, 23: F11, 24: F12,
}

// controlKey is the key that a control sequence stands for.
func controlKey(params []byte, final byte) (Key, bool) {
	if final != '~' {
		if final == 'R' && len(params) > 2 && params[0] != '1' {
			return 0, false // a cursor position report, not F3
		}
		k, ok := csiKeys[final]
		return k, ok
	}
	n := 0
	for _, c := range params {
		if c < '0' || c > '9' {
			break
		}
		n = min(n*10+int(c-'0'), 1000)
	}
	k, ok := tildeKeys[n]
	return k, ok
}
