// Package codectest has what the tests of several formats unpack.
package codectest

import (
	"fmt"
	"testing"

	"pvboot/internal/golden"
)

// Contents are lines that differ a little.
func Contents() []byte {
	var b []byte
	for i := range 500 {
		b = fmt.Appendf(b, "%d is followed by %d\n", i, i+1)
	}
	return b
}

// Sample is Contents, compressed: a file of the caller's testdata.
func Sample(t testing.TB, file string, compressor ...string) []byte {
	t.Helper()
	return golden.Output(t, file, Contents(), compressor...)
}
