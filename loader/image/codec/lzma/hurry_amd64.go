//go:build !purego

package lzma

// symbols decodes symbols into dst, the dictionary with the room behind it, for as
// long as symbolOutput bytes of that are left, and symbolInput of in. One byte of
// dst has to be filled before.
//
//go:noescape
func symbols(d *Decoder, dst, in []byte) int
