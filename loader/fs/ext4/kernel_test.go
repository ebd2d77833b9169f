package ext4

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/loader/fs"
)

func gunzip(t *testing.T, path string) memImage {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if b, err = io.ReadAll(r); err != nil {
		t.Fatal(err)
	}
	return b
}

// kernelListing is a filesystem in the words of testdata/kernel.sh.
func kernelListing(f *FS) ([]string, error) {
	var out []string
	err := iofs.WalkDir(f, ".", func(path string, d iofs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.Type() == iofs.ModeSymlink:
			target, err := f.ReadLink(path)
			out = append(out, target+"  ./"+path)
			return err
		case d.Type().IsRegular():
			b, err := iofs.ReadFile(f, path)
			out = append(out, fmt.Sprintf("%x  ./%s", sha256.Sum256(b), path))
			return err
		}
		return nil
	})
	return out, err
}

// TestKernelJournals reads filesystems whose journals Linux wrote and did not
// replay.
func TestKernelJournals(t *testing.T) {
	images, err := filepath.Glob("testdata/kernel-*.img.gz")
	if err != nil || len(images) == 0 {
		t.Fatalf("no images: %v", err)
	}
	for _, image := range images {
		name := strings.TrimSuffix(image, ".img.gz")
		t.Run(filepath.Base(name), func(t *testing.T) {
			f, err := Open(gunzip(t, image))
			if strings.Contains(name, "fastcommit") {
				if !errors.Is(err, fs.ErrUnsupported) || !strings.Contains(err.Error(), "feature fast_commit") {
					t.Errorf("Open: %v, want fast_commit refused", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(f.store.pending) == 0 {
				t.Error("nothing is pending")
			}
			got, err := kernelListing(f)
			if err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(name + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Split(strings.TrimSpace(string(b)), "\n")
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-Linux +here):\n%s", diff)
			}
		})
	}
}
