package cache

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func TestKey(t *testing.T) {
	keys := map[string][]string{}
	for _, parts := range [][]string{{}, {""}, {"", ""}, {"ab", "c"}, {"a", "bc"}, {"abc"}, {"1:a"}} {
		key := Key(parts...)
		if other, ok := keys[key]; ok {
			t.Errorf("%q and %q have the same key", parts, other)
		}
		keys[key] = parts
	}
	// A fixed one: a cache must be good for the next process, too.
	if got := Key("a", "b"); got != "facdde7abf1eac5b301273ab" {
		t.Errorf("the key of a and b is %s", got)
	}
}

// Many builders of one artefact build it once, and see it whole.
func TestBuildOnce(t *testing.T) {
	d := Dir(t.TempDir())
	var builds atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			dir, err := d.Build("kind", "key", func(dir string) error {
				builds.Add(1)
				return os.WriteFile(filepath.Join(dir, "file"), []byte("whole"), 0o644)
			})
			if err != nil {
				t.Error(err)
				return
			}
			if data, err := os.ReadFile(filepath.Join(dir, "file")); string(data) != "whole" {
				t.Errorf("file holds %q, %v", data, err)
			}
		})
	}
	wg.Wait()
	if builds.Load() != 1 {
		t.Errorf("built %d times, want once", builds.Load())
	}
}

// What fails leaves nothing behind, and can be tried again.
func TestBuildFails(t *testing.T) {
	d := Dir(t.TempDir())
	bad := errors.New("bad")
	_, err := d.Build("kind", "key", func(dir string) error {
		if err := os.WriteFile(filepath.Join(dir, "half"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		return bad
	})
	if !errors.Is(err, bad) {
		t.Fatalf("error %v, want %v", err, bad)
	}
	entries, err := os.ReadDir(d.Path("kind"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".lock") {
			t.Errorf("%s is left", e.Name())
		}
	}
	if _, err := d.Build("kind", "key", func(string) error { return nil }); err != nil {
		t.Errorf("second try: %v", err)
	}
}

func TestFind(t *testing.T) {
	want := filepath.Join(t.TempDir(), "elsewhere")
	t.Setenv(EnvDir, want)
	if got, err := Find(); err != nil || string(got) != want {
		t.Errorf("Find with %s: %s, %v", EnvDir, got, err)
	}
	t.Setenv(EnvDir, "")
	root := t.TempDir()
	sub := filepath.Join(root, "a", "b")
	if err := errors.Join(os.MkdirAll(sub, 0o755), os.WriteFile(filepath.Join(root, "go.mod"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	t.Chdir(sub)
	if got, err := Find(); err != nil || filepath.Base(string(got)) != ".cache" || filepath.Dir(filepath.Dir(string(got))) == filepath.Dir(sub) {
		t.Errorf("Find below a module: %s, %v", got, err)
	}
}

func TestCopyFile(t *testing.T) {
	dir := t.TempDir()
	src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
	for _, content := range []string{"first", "second"} {
		if err := os.Remove(src); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if err := os.WriteFile(src, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := CopyFile(dst, src); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(dst); string(got) != content {
			t.Errorf("copy holds %q, %v, want %q", got, err, content)
		}
	}
}
