package compress

import (
	"bytes"
	"strings"
	"testing"
)

func TestFormats(t *testing.T) {
	data := []byte(strings.Repeat("text and data of a kernel. ", 4000))
	for _, name := range Names() {
		f, ok := Named(name)
		if !ok {
			t.Fatalf("%s is not known by its name", name)
		}
		packed, err := f.Pack(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(packed) > len(data)/10 {
			t.Errorf("%s: %d bytes are hardly compressed", name, len(packed))
		}
		if found, ok := Detect(packed); !ok || found.Name != name {
			t.Errorf("%s is taken for %q", name, found.Name)
		}
		if got, err := f.Unpack(packed); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes came back, %v", name, len(got), err)
		}
		if _, err := f.Unpack(packed[:len(packed)/2]); err == nil && name != "lz4" {
			t.Errorf("%s: half of the data unpacks", name)
		}
	}
	xz, _ := Named("xz")
	plain, err1 := xz.Pack(data)
	filtered, err2 := xz.Pack(data, "--x86")
	if err1 != nil || err2 != nil || bytes.Equal(plain, filtered) {
		t.Errorf("a filter changes nothing: %v, %v", err1, err2)
	}
	if _, ok := Named("rot13"); ok {
		t.Error("rot13 is known")
	}
	if f, ok := Detect([]byte("\x7fELF")); ok {
		t.Errorf("an ELF file is taken for %s", f.Name)
	}
	if _, err := xz.Pack(data, "--no-such-option"); err == nil || !strings.HasPrefix(err.Error(), "xz: ") {
		t.Errorf("error %v", err)
	}
}
