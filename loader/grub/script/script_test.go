package script

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"pvboot/internal/golden"
)

// cases reads testdata/syntax.txt: scripts between lines of dashes.
func cases(t testing.TB) []string {
	b, err := os.ReadFile("testdata/syntax.txt")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(b), "\n----\n"), "\n----\n")
}

// TestSyntax compares the tree or the errors of every case with a golden
// file.
func TestSyntax(t *testing.T) {
	var got bytes.Buffer
	for _, src := range cases(t) {
		fmt.Fprintf(&got, "%s\n--\n", src)
		p := New("grub.cfg", src+"\n")
		for {
			list, err := p.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				fmt.Fprintln(&got, err)
				continue
			}
			Fprint(&got, list)
		}
		fmt.Fprintln(&got, "----")
	}
	golden.Check(t, "syntax.golden", got.String())
}

// TestGrubScriptCheck holds the parser against GRUB's own: both accept or
// both reject each case.
func TestGrubScriptCheck(t *testing.T) {
	tool, err := exec.LookPath("grub-script-check")
	if err != nil {
		t.Fatalf("grub-script-check is needed (Debian package grub-common): %v", err)
	}
	for i, src := range cases(t) {
		cmd := exec.Command(tool)
		cmd.Stdin = strings.NewReader(src + "\n")
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		// A script of functions only is a complaint of its own.
		if bytes.Contains(out, []byte("contains no commands")) {
			err = nil
		}
		_, ours := Parse("grub.cfg", src+"\n")
		if (err == nil) != (ours == nil) {
			t.Errorf("case %d: GRUB says %v %q, we say %v\n%s", i, err, out, ours, src)
		}
	}
}

func TestErrorPlaces(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"a\nfi\n", `f:2:1: unexpected "fi"`},
		{"if true; then\n  echo\n", `f:3:1: unexpected end of file, expected "elif" or "else" or "fi" for "if" at line 1`},
		{"echo $ x", `f:1:6: unexpected "$": no variable name follows`},
		{"echo 'x\ny", `f:1:6: unterminated '`},
		{"a\necho x\"a\nb", `f:2:7: unterminated "`},
		{"a && b", `f:1:3: unexpected "&&"`},
		{"menuentry x {\n}", `f:2:1: unexpected "}"`},
		{"for 1 in x; do a; done", `f:1:5: unexpected "1", "for" at line 1 needs a name`},
		{"menuentry x {\n a\n", `f:3:1: unexpected end of file, expected "}" for "{" at line 1`},
		{"menuentry x {\n" + strings.Repeat("a\n", 1<<15) + "}\n", "f:32768:1: more than 65536 words in one command"},
		{"echo " + strings.Repeat("$a", 5000), "f:1:6: word of more than 4096 parts"},
		{"echo \"" + strings.Repeat("$a", 5000) + "\"", "f:1:6: word of more than 4096 parts"},
		{strings.Repeat("if a; then ", 200), `f:1:1101: nested deeper than 100 levels`},
	} {
		_, err := Parse("f", c.src)
		if err == nil || err.Error() != c.want {
			t.Errorf("%.40q: got %v, want %s", c.src, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, src := range cases(f) {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		p := New("f", src)
		at := -1
		for {
			list, err := p.Next()
			if err == io.EOF {
				return
			}
			if p.lex.pos.Offset <= at {
				t.Fatalf("no progress at %d", at)
			}
			at = p.lex.pos.Offset
			if err == nil && len(list) == 0 {
				t.Fatal("empty piece")
			}
			if e := new(Error); err != nil && !errors.As(err, &e) {
				t.Fatalf("error without a place: %v", err)
			}
			Fprint(io.Discard, list)
		}
	})
}

func FuzzLexer(f *testing.F) {
	for _, src := range cases(f) {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		l := lexer{name: "f", src: src, pos: Pos{Line: 1, Col: 1}}
		for {
			lx, err := l.next()
			if err != nil || lx.token == tokEOF {
				return
			}
			if src[lx.at.Offset:lx.at.Offset+len(lx.raw)] != lx.raw || lx.raw == "" {
				t.Fatalf("token %q is not at %d", lx.raw, lx.at.Offset)
			}
			line := 1 + strings.Count(src[:lx.at.Offset], "\n")
			if col := lx.at.Offset - strings.LastIndexByte(src[:lx.at.Offset], '\n'); line != lx.at.Line || col != lx.at.Col {
				t.Fatalf("offset %d is %d:%d, not %s", lx.at.Offset, line, col, lx.at)
			}
		}
	})
}
