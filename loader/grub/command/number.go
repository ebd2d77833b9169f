package command

import (
	"math"
	"strings"
)

// number reads the integer at the front of s as GRUB does: a minus, then
// decimal, 0x… or 0… (octal) digits; 0 where there is none, clamped where it
// is too large.
func number(s string) int64 {
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		return -number(strings.TrimLeft(rest, "-"))
	}
	s = strings.TrimLeft(s, " \t\n\r\v\f")
	base := int64(10)
	switch {
	case strings.HasPrefix(s, "0x"):
		base, s = 16, s[2:]
	case strings.HasPrefix(s, "0"):
		base = 8
	}
	n := int64(0)
	for _, c := range []byte(s) {
		d := digit(c)
		if d >= base {
			break
		}
		if n > (math.MaxInt64-d)/base {
			return math.MaxInt64
		}
		n = n*base + d
	}
	return n
}

// digit is a character's value, 16 and more for no digit.
func digit(c byte) int64 {
	switch {
	case '0' <= c && c <= '9':
		return int64(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int64(c|0x20-'a') + 10
	}
	return 99
}

// unprefix drops what a and b have in common at their front, except digits
// of a number that goes on: versions compare by what remains.
func unprefix(a, b string) (string, string) {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	for i > 0 && '0' <= a[i-1] && a[i-1] <= '9' {
		i--
	}
	return a[i:], b[i:]
}
