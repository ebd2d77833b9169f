package codec

import (
	"compress/gzip"
	"io"
)

// openGzip reads RFC 1952: each member's CRC-32 and length are verified.
func openGzip(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }
