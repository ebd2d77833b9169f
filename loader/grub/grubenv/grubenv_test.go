package grubenv

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func pad(s string) []byte {
	return []byte(s + strings.Repeat("#", Size-len(s)))
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []byte
		want []Var
		err  string
	}{
		{"empty", pad(Signature), nil, ""},
		{"variables", pad(Signature + "a=1\nb=x=y\n# c=2\nd=\n"), []Var{{"a", "1"}, {"b", "x=y"}, {"d", ""}}, ""},
		{"escapes", pad(Signature + "a=x\\\ny\\\\z\n"), []Var{{"a", "x\ny\\z"}}, ""},
		{"short", pad(Signature)[:1000], nil, "invalid environment block: 1000 bytes instead of 1024"},
		{"long", append(pad(Signature), '#'), nil, "invalid environment block: 1025 bytes instead of 1024"},
		{"none", nil, nil, "invalid environment block: 0 bytes instead of 1024"},
		{"signature", pad("# GRUB environment block\n"), nil, "invalid environment block: no signature"},
		{"no =", pad(Signature + "abc\n"), nil, "invalid environment block: broken line at byte 25"},
		{"no name", pad(Signature + "=1\n"), nil, "invalid environment block: broken line at byte 25"},
		{"no end", pad(Signature + "a=1\nb=2"), nil, "invalid environment block: broken line at byte 29"},
		{"zeros", append([]byte(Signature), make([]byte, Size-len(Signature))...), nil, "invalid environment block: broken line at byte 25"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := Parse(c.in)
			if c.err != "" {
				if err == nil || err.Error() != c.err {
					t.Fatalf("error %v, want %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, b.Vars()); d != "" {
				t.Error(d)
			}
			out, err := b.Bytes()
			if err != nil || !bytes.Equal(out, c.in) {
				t.Errorf("written back: %q, %v", out, err)
			}
		})
	}
}

func TestSet(t *testing.T) {
	b := New()
	b.Set("saved_entry", "a\nb\\")
	b.Set("x", "1")
	b.Set("saved_entry", "2")
	b.Delete("x")
	b.Delete("nosuch")
	out, err := b.Bytes()
	if err != nil || !bytes.Equal(out, pad(Signature+"saved_entry=2\n")) {
		t.Errorf("%q, %v", out, err)
	}
	for _, name := range []string{"", "a=b", "a\nb", "#a"} {
		if b.Set(name, "") == nil {
			t.Errorf("name %q was taken", name)
		}
	}
	b.Set("big", strings.Repeat("\n", 500))
	if _, err := b.Bytes(); err != ErrTooSmall {
		t.Errorf("too big: %v", err)
	}
}

// TestEditenv has grub-editenv read what we write and the other way round.
func TestEditenv(t *testing.T) {
	tool, err := exec.LookPath("grub-editenv")
	if err != nil {
		t.Fatalf("grub-editenv is needed (Debian package grub-common): %v", err)
	}
	file := filepath.Join(t.TempDir(), "grubenv")
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(tool, append([]string{file}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	run("create")
	run("set", `a=x\y`, "saved_entry=Debian GNU/Linux>sub", "gone=1")
	run("unset", "gone")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]Var{{"a", `x\y`}, {"saved_entry", "Debian GNU/Linux>sub"}}, b.Vars()); d != "" {
		t.Error(d)
	}
	b.Set("a", `\\"`)
	b.Set("new", "n w")
	b.Delete("saved_entry")
	if raw, err = b.Bytes(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, raw, 0o666); err != nil {
		t.Fatal(err)
	}
	if got, want := run("list"), "a=\\\\\"\nnew=n w\n"; got != want {
		t.Errorf("grub-editenv lists %q, want %q", got, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(pad(Signature))
	f.Add(pad(Signature + "a=1\n# c\nb=\\\n\\\\\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		b, err := Parse(in)
		if err != nil {
			return
		}
		out, err := b.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(out)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(b.Vars(), again.Vars()); d != "" {
			t.Error(d)
		}
	})
}
