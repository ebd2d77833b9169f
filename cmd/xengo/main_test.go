package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"xengo": main})
}

// TestScripts runs testdata/script. Programs there live in a module of their
// own that uses this one from its folder.
func TestScripts(t *testing.T) {
	for _, target := range targets {
		if _, err := exec.LookPath(target.qemu()[0]); err != nil {
			t.Fatalf("%v: these tests need QEMU (Debian: %s)", err, target.qemuPackage)
		}
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	env, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE", "GOPROXY", "GOFLAGS").Output()
	if err != nil {
		t.Fatal(err)
	}
	values := strings.Split(string(env), "\n")
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"code": wantCode},
		Setup: func(e *testscript.Env) error {
			e.Setenv("GOCACHE", values[0])
			e.Setenv("GOMODCACHE", values[1])
			e.Setenv("GOPROXY", values[2])
			e.Setenv("GOFLAGS", strings.TrimSpace(values[3]+" -mod=mod"))
			e.Setenv("XENGO_CACHE", filepath.Join(e.WorkDir, ".xengo"))
			e.Setenv("PVBOOT", root)
			gomod, err := os.ReadFile(filepath.Join(root, "go.mod"))
			if err != nil {
				return err
			}
			gosum, err := os.ReadFile(filepath.Join(root, "go.sum"))
			if err != nil {
				return err
			}
			// The script's module needs what this one needs.
			text := strings.Replace(string(gomod), "module pvboot", "module example.org/x", 1) +
				"\nrequire pvboot v0.0.0\nreplace pvboot => " + root + "\n"
			if err := os.WriteFile(filepath.Join(e.WorkDir, "go.mod"), []byte(text), 0o644); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(e.WorkDir, "go.sum"), gosum, 0o644)
		},
	})
}

func TestSplitTestArgs(t *testing.T) {
	for _, test := range []struct {
		args string
		want testArgs
		err  string
	}{
		{"./x ./y", testArgs{packages: []string{"./x", "./y"}}, ""},
		{"-v ./x", testArgs{packages: []string{"./x"}, flags: []string{"-v"}}, ""},
		{"./x -run Foo -count=2 -v", testArgs{packages: []string{"./x"}, flags: []string{"-run", "Foo", "-count=2", "-v"}}, ""},
		{"-run Foo ./x --short", testArgs{packages: []string{"./x"}, flags: []string{"-run", "Foo", "--short"}}, ""},
		{"-test.run Foo ./x", testArgs{packages: []string{"./x"}, flags: []string{"-test.run", "Foo"}}, ""},
		{"./x -args -race y", testArgs{packages: []string{"./x"}, rest: []string{"-args", "-race", "y"}}, ""},
		{"-arch riscv64 -tags a,b ./x", testArgs{arch: "riscv64", tags: "a,b", packages: []string{"./x"}, flags: []string{"-tags", "a,b"}}, ""},
		{"-qemu -cpu=max ./x -cpu 1", testArgs{qemu: "-cpu=max", packages: []string{"./x"}, flags: []string{"-cpu", "1"}}, ""},
		{"-arch=arm64", testArgs{arch: "arm64", packages: []string{"."}}, ""},
		{"", testArgs{packages: []string{"."}}, ""},
		{"./x -race", testArgs{}, "-race: the race detector needs an operating system"},
		{"./x -run", testArgs{}, "flag needs an argument: -run"},
	} {
		got, err := splitTestArgs(strings.Fields(test.args))
		if err != nil || test.err != "" {
			if err == nil || err.Error() != test.err {
				t.Errorf("%q: %v, want %q", test.args, err, test.err)
			}
			continue
		}
		if test.want.arch == "" {
			test.want.arch = defaultArch()
		}
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(testArgs{})); diff != "" {
			t.Errorf("%q: %s", test.args, diff)
		}
	}
}

func TestQuote(t *testing.T) {
	for _, test := range []struct{ arg, want string }{
		{"-test.v=true", "-test.v=true"}, {"", "''"}, {"a b", "'a b'"}, {`say "x"`, `'say "x"'`}, {"it's", `"it's"`}, {"^Foo$", "^Foo$"},
	} {
		if got, err := quote(test.arg); err != nil || got != test.want {
			t.Errorf("quote(%q) = %s, %v, want %s", test.arg, got, err, test.want)
		}
	}
	for _, arg := range []string{"a\nb", "a\x00b", `it's "x"`} {
		if got, err := quote(arg); err == nil {
			t.Errorf("quote(%q) = %s, want an error", arg, got)
		}
	}
}

// wantCode is `code N COMMAND…`: the command must end with exit status N.
func wantCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N COMMAND...")
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if want := args[0]; strconv.Itoa(got) != want {
		ts.Fatalf("exit status %d, want %s", got, want)
	}
}
