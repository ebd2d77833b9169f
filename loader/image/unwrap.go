package image

import (
	"fmt"
	"io"
	"strings"

	"pvboot/loader/image/codec"
)

// unwrap looks into a kernel file that is compressed, an EFI zboot image, or a
// zImage for Power. It returns the kernel in it, its first bytes, and the names
// of what it was wrapped in; the file itself when it is none of these.
func unwrap(name string, file Source, head []byte) (Source, []byte, string, error) {
	var p *packed
	var wraps []string
	outer := "" // before errors
	if isZboot(head) {
		var err error
		if p, err = openZboot(name, file, head); err != nil {
			return nil, nil, "", err
		}
		wraps, outer = []string{"EFI zboot"}, "zboot: "
	} else if isPower(head) {
		inner, head, err := openZImage(file, head)
		if err != nil {
			return nil, nil, "", err
		}
		c, ok := codec.Detect(head)
		if inner == nil {
			return file, head, "", nil
		} else if !ok {
			return inner, head, "zImage", nil
		}
		p = newPacked(name+": zImage", c, inner)
		wraps, outer = []string{"zImage"}, "zImage: "
	} else if c, ok := codec.Detect(head); ok {
		p = newPacked(name, c, io.NewSectionReader(file, 0, file.Size()))
	} else {
		return file, head, "", nil
	}
	inner, err := p.head(headSize)
	if err != nil {
		return nil, nil, "", fmt.Errorf("%s%w", outer, err)
	}
	return p, inner, strings.Join(append(wraps, p.codec.Name), ", "), nil
}
