package term

import "fmt"

// Key is a key of the keyboard: a Unicode character, a control character
// (Enter, Esc, Ctrl('p')), or one of the keys below that has no character.
type Key rune

// Keys that are control characters.
const (
	Enter     Key = '\r' // also what Ctrl-M and Ctrl-J send
	Tab       Key = '\t'
	Backspace Key = 0x08 // BS and DEL
	Esc       Key = 0x1b
)

// Keys without a character, beyond the last code point of Unicode.
const (
	Up Key = 0x110000 + iota
	Down
	Left
	Right
	Home
	End
	PageUp
	PageDown
	Insert
	Delete
	F1
	F2
	F3
	F4
	F5
	F6
	F7
	F8
	F9
	F10
	F11
	F12
)

var keyNames = map[Key]string{
	Enter: "enter", Tab: "tab", Backspace: "backspace", Esc: "esc",
	Up: "up", Down: "down", Left: "left", Right: "right",
	Home: "home", End: "end", PageUp: "pageup", PageDown: "pagedown",
	Insert: "insert", Delete: "delete",
	F1: "f1", F2: "f2", F3: "f3", F4: "f4", F5: "f5", F6: "f6",
	F7: "f7", F8: "f8", F9: "f9", F10: "f10", F11: "f11", F12: "f12",
}

// Ctrl is the key that a letter gives together with Ctrl. Ctrl('h'), Ctrl('i'),
// Ctrl('j') and Ctrl('m') are Backspace, Tab and twice Enter.
func Ctrl(letter rune) Key {
	k := Key(letter & 0x1f)
	if k == '\n' {
		return Enter
	}
	return k
}

// Printable tells whether the key is a character that a line of text can hold.
func (k Key) Printable() bool { return k >= ' ' && k != 0x7f && (k < 0x80 || k > 0x9f) && k < Up }

// String names the key, for messages and tests: "a", "ctrl-p", "up".
func (k Key) String() string {
	switch name, ok := keyNames[k]; {
	case ok:
		return name
	case k >= 0 && k < ' ':
		return "ctrl-" + string(rune(k)|0x60)
	case k.Printable():
		return string(rune(k))
	}
	return fmt.Sprintf("key-%#x", int32(k))
}

// ParseHotkey reads the value of menuentry's --hotkey: GRUB's names of keys
// ("delete", "f5", …) or the first character of the value. It is false for an
// empty value.
func ParseHotkey(s string) (Key, bool) {
	switch s {
	case "backspace", "tab", "delete", "insert",
		"f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10", "f11", "f12":
		for k, name := range keyNames {
			if name == s {
				return k, true
			}
		}
	}
	for _, r := range s {
		return Key(r), true
	}
	return 0, false
}
