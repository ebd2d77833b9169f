package image

import (
	"fmt"
	"io"
	"strings"

	"pvboot/loader/image/codec"
)

// unwrap looks into a kernel file that is compressed, or an EFI zboot image.
// It returns the kernel in it, its first bytes, and the names of what it was
// wrapped in; the file itself when it is neither.
func unwrap(name string, file Source, head []byte) (Source, []byte, string, error) {
	var p *packed
	var wraps []string
	if isZboot(head) {
		var err error
		if p, err = openZboot(name, file, head); err != nil {
			return nil, nil, "", err
		}
		wraps = []string{"EFI zboot"}
	} else if c, ok := codec.Detect(head); ok {
		p = newPacked(name, c, io.NewSectionReader(file, 0, file.Size()))
	} else {
		return file, head, "", nil
	}
	inner, err := p.head(headSize)
	if err != nil {
		if wraps != nil {
			err = fmt.Errorf("zboot: %w", err)
		}
		return nil, nil, "", err
	}
	return p, inner, strings.Join(append(wraps, p.codec.Name), ", "), nil
}
