package ext4

import (
	"fmt"

	"pvboot/loader/fs"
)

func fsError(kind error, place, format string, args ...any) error {
	return &fs.Error{Type: "ext4", Place: place, Cause: fmt.Sprintf(format, args...), Kind: kind}
}

func corrupt(place, format string, args ...any) error {
	return fsError(fs.ErrCorrupt, place, format, args...)
}

func unsupported(place, format string, args ...any) error {
	return fsError(fs.ErrUnsupported, place, format, args...)
}
