package expect

import (
	"fmt"
	"strconv"
	"strings"
)

// simpleEscapes are C's escapes of one letter, and \e for the escape key.
var simpleEscapes = map[byte]byte{
	'a': 7, 'b': 8, 't': 9, 'n': 10, 'v': 11, 'f': 12, 'r': 13, 'e': 27,
	'\\': '\\', '\'': '\'', '"': '"', '?': '?',
}

// Unescape resolves the escapes of a C string: \n and the other letters, \e,
// one to three octal digits, and \x with one or two hexadecimal digits.
func Unescape(s string) ([]byte, error) {
	var out []byte
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			out = append(out, s[i])
			i++
			continue
		}
		b, n, err := escape(s[i:])
		if err != nil {
			return nil, err
		}
		out = append(out, b)
		i += n
	}
	return out, nil
}

// escape resolves the escape that s starts with and returns its length.
func escape(s string) (b byte, n int, err error) {
	if len(s) < 2 {
		return 0, 0, fmt.Errorf(`escape \ at the end of the string`)
	}
	if b, ok := simpleEscapes[s[1]]; ok {
		return b, 2, nil
	}
	digits, base, start := "01234567", 8, 1
	limit := 3
	if s[1] == 'x' {
		digits, base, start, limit = "0123456789abcdefABCDEF", 16, 2, 2
	}
	end := start
	for end < len(s) && end-start < limit && strings.IndexByte(digits, s[end]) >= 0 {
		end++
	}
	v, err := strconv.ParseUint(s[start:end], base, 8)
	if err != nil {
		return 0, 0, fmt.Errorf("escape %s is not known", s[:max(2, end)])
	}
	return byte(v), end, nil
}
