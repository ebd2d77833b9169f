package codec

import (
	"errors"
	"io"

	"pvboot/loader/image/codec/zstd"
)

func unpackZstd(dst []byte, src io.Reader) (int, error) {
	n, err := zstd.Unpack(dst, src)
	if errors.Is(err, zstd.ErrTooLarge) {
		err = ErrTooLarge
	}
	return n, err
}
