package grub_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/internal/golden"
	"pvboot/loader/grub"
	"pvboot/loader/grub/command"
	"pvboot/loader/grub/grubtest"
)

var (
	emu = flag.String("grub-emu", "", "`script` that runs a GRUB script in GRUB itself, to hold the golden files against")
)

// newInterp is an interpreter with every command.
func newInterp(h grub.Host) *grub.Interp { return grub.New(h, command.All(), grub.Limits{}) }

// run runs a script as the command line would and gives what it printed.
func run(t testing.TB, src string) string {
	t.Helper()
	h := new(grubtest.Host)
	newInterp(h).Run(context.Background(), "", []byte(src))
	return h.Out.String()
}

// TestLanguage runs scripts and compares what they print with golden files.
// The golden files hold what GRUB 2.06's grub-emu prints; -grub-emu=SCRIPT
// shows differences to it.
func TestLanguage(t *testing.T) {
	files, err := filepath.Glob("testdata/language/*.cfg")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".cfg"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := run(t, string(src))
			golden.Check(t, "language/"+strings.TrimSuffix(filepath.Base(file), "cfg")+"out", got)
			if *emu == "" {
				return
			}
			out, err := exec.Command(*emu, file).Output()
			if err != nil {
				t.Fatal(err)
			}
			blank := regexp.MustCompile(`\n+`)
			if d := cmp.Diff(blank.ReplaceAllString(string(out), "\n"), blank.ReplaceAllString(got, "\n")); d != "" {
				t.Errorf("GRUB differs (-grub +pvboot):\n%s", d)
			}
		})
	}
}

// TestBash runs scripts in the part of the language that GRUB shares with
// bash under both.
func TestBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Fatalf("bash is needed (Debian package bash): %v", err)
	}
	files, err := filepath.Glob("testdata/bash/*.sh")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".sh"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			// GRUB's set takes NAME=VALUE, which bash has only without set.
			prelude := "set() { local n=${1%%=*}; printf -v \"$n\" %s \"${1#*=}\"; }\n"
			out, err := exec.Command(bash, "-c", prelude+string(src)).CombinedOutput()
			if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(out), run(t, string(src))); d != "" {
				t.Errorf("-bash +pvboot:\n%s", d)
			}
		})
	}
}

// TestErrors: what is printed, with the place, and the status.
func TestErrors(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"nosuch x", "error: grub.cfg:1:1: can't find command `nosuch'.\n"},
		{"echo a\n  if true; then\n\tnosuch; fi", "a\nerror: grub.cfg:3:2: can't find command `nosuch'.\n"},
		{"fi\necho b", "error: grub.cfg:1:1: unexpected \"fi\".\nb\n"},
		{"if true; then\necho x )(; }\necho b", "error: grub.cfg:2:12: unexpected \"}\".\nb\n"},
		{"function f {\nnosuch\n}\n\nf", "error: grub.cfg:2:1: can't find command `nosuch'.\n"},
		{"f() { a; }", "error: grub.cfg:1:1: can't find command `f()'.\n"},
		{"echo 'x", "error: grub.cfg:1:6: unterminated '.\n"},
		{"$(x)", "error: grub.cfg:1:1: unexpected \"$\": no variable name follows.\n"},
		{"a\x1b[2Jb", "error: grub.cfg:1:1: can't find command `a?[2Jb'.\n"},
		{"source", "error: grub.cfg:1:1: filename expected.\n"},
		{"linux /x", "error: grub.cfg:1:1: variable `root' isn't set.\n"},
		{"root=xx; linux /x", "error: grub.cfg:1:10: disk `xx' not found.\n"},
		{"linux (nodev)/x", "error: grub.cfg:1:1: disk `nodev' not found.\n"},
		{"linux x", "error: grub.cfg:1:1: invalid file name `x'.\n"},
		{"linux (x", "error: grub.cfg:1:1: invalid file name `(x'.\n"},
		{"initrd x", "error: grub.cfg:1:1: you need to load the kernel first.\n"},
		{"boot", "error: grub.cfg:1:1: you need to load the kernel first.\n"},
		{"search --nope x", "error: grub.cfg:1:1: unspecified search type.\n"},
		{"load_env --nope x", "error: grub.cfg:1:1: unknown argument `--nope'.\n"},
		{"load_env -f", "error: grub.cfg:1:1: missing mandatory option for `file'.\n"},
		{"load_env", "error: grub.cfg:1:1: variable `prefix' isn't set.\n"},
		{"menuentry x", "error: grub.cfg:1:1: no menuentry definition.\n"},
		{"menuentry { true; }", "error: grub.cfg:1:1: menuentry is missing title.\n"},
		{"chainloader +1", "error: grub.cfg:1:1: chainloader is not supported.\n"},
		{"export", "error: grub.cfg:1:1: one argument expected.\n"},
	} {
		h := new(grubtest.Host)
		in := newInterp(h)
		in.Run(context.Background(), "grub.cfg", []byte(c.src))
		if d := cmp.Diff(c.want, h.Out.String()); d != "" {
			t.Errorf("%q:\n%s", c.src, d)
		}
		if n := strings.Count(c.want, "error:"); in.Errors() != n {
			t.Errorf("%q: %d errors counted, want %d", c.src, in.Errors(), n)
		}
	}
}

// TestCommandLineErrors: no place but the column, where it helps.
func TestCommandLineErrors(t *testing.T) {
	if d := cmp.Diff("error: can't find command `x'.\n", run(t, "x")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff("error: syntax error at 1:4: unexpected \"&&\".\n", run(t, "ab && c")); d != "" {
		t.Error(d)
	}
}

func TestIncomplete(t *testing.T) {
	for src, want := range map[string]bool{
		"echo a":                  false,
		"if true; then":           true,
		"if true; then echo; fi":  false,
		"menuentry x {":           true,
		"menuentry x { true\n":    true,
		"menuentry x { true\n}":   false,
		"echo 'a":                 true,
		`echo "a`:                 true,
		"echo a \\":               true,
		"fi":                      false,
		"function f":              true,
		"while true":              true,
		"for i in a; do echo $i;": true,
		"a | b":                   false,
	} {
		if got := grub.Incomplete(src); got != want {
			t.Errorf("%q: %t", src, got)
		}
	}
}

// TestLimits: scripts that never end, or grow without end, stop with a line.
func TestLimits(t *testing.T) {
	deep := strings.Repeat("if true; then ", 90) + "echo" + strings.Repeat("; fi", 90)
	for name, c := range map[string]struct{ src, want string }{
		"loop":      {"while true; do true; done; echo no", "script limit exceeded: more than 20000 steps"},
		"until":     {"until false; do x=$x; done", "script limit exceeded"},
		"recursion": {"function f { f; }; f; echo no", "maximum recursion depth exceeded"},
		"fork":      {"function f { f; f; }; f", "maximum recursion depth exceeded"},
		"deep":      {deep, "maximum recursion depth exceeded"},
		"word":      {"x=aaaaaaaa; while true; do x=$x$x; done", "script limit exceeded: word longer than"},
		"list":      {"x='a b c d e f g h'; while true; do set x=\"$x $x\"; y=$x; done", "script limit exceeded"},
		"variables": {"x=aaaaaaaaaaaaaaaaaaaaa; for i in 1 2 3 4 5 6 7; do x=$x$x; done; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do set a$i=$x; done", "no memory for"},
		"entries":   {"while true; do menuentry x { true; }; done", "more than 100 entries"},
		"eval":      {"x='eval $x'; eval $x", "maximum recursion depth exceeded"},
		"evals":     {"set x='eval \"$x\"'; eval \"$x\"", "maximum recursion depth exceeded"},
		"source":    {"function f {\n" + strings.Repeat("true\n", 10000) + "}\necho no", "script limit exceeded"},
		"positional": {"function f { setparams $@ $@; }; function g { setparams a b c d e f g h; " +
			"while true; do setparams $@ $@; done; }; g", "script limit exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			h := new(grubtest.Host)
			in := grub.New(h, command.All(), grub.Limits{Steps: 20000, Word: 4 << 10, Memory: 32 << 10, Menu: 100})
			err := in.Run(context.Background(), "", []byte(c.src))
			if out := h.Out.String(); err == nil && !strings.Contains(out, "no memory") || !strings.Contains(out, c.want) || strings.Contains(out, "no\n") {
				t.Errorf("%v, printed %.300q", err, out)
			}
			h.Out.Reset()
			if err := in.Run(context.Background(), "", []byte("echo again")); err != nil || h.Out.String() != "again\n" {
				t.Errorf("after it: %v %q", err, h.Out.String())
			}
		})
	}
}

// TestInterrupt: a context that is done ends a script between two commands.
func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	h := &interrupter{n: 3, cancel: cancel}
	err := newInterp(h).Run(ctx, "", []byte("while true; do echo x; done; echo no"))
	if !errors.Is(err, grub.ErrInterrupted) || h.Out.String() != "x\nx\nx\nerror: interrupted.\n" {
		t.Errorf("%v, printed %q", err, h.Out.String())
	}
}

// interrupter cancels after n writes.
type interrupter struct {
	grubtest.Host
	n      int
	cancel func()
}

func (i *interrupter) Write(b []byte) (int, error) {
	if i.n--; i.n == 0 {
		i.cancel()
	}
	return i.Host.Write(b)
}

func FuzzRun(f *testing.F) {
	for _, dir := range []string{"testdata/language/*.cfg", "testdata/bash/*.sh", "testdata/config/*.cfg"} {
		files, _ := filepath.Glob(dir)
		for _, file := range files {
			if b, err := os.ReadFile(file); err == nil {
				f.Add(string(b))
			}
		}
	}
	f.Add("menuentry a { linux (xen/xvda)/vmlinuz a; initrd /i; }; submenu b { menuentry c { true; }; }")
	f.Add("for i in (*)/* /*/*; do echo $i; test -e $i -a -s $i; cat $i; done; search -f /a --set; regexp -s x (a*)* aaa")
	tree, err := os.ReadFile("../../internal/fdt/testdata/xenvm.dtb")
	if err != nil {
		f.Fatal(err)
	}
	for _, blank := range []string{"", "\n"} { // on both architectures
		f.Add("devicetree /t; menuentry a { devicetree /i; linux /vmlinuz; devicetree; devicetree /t; }; cpuid -l" + blank)
	}
	f.Fuzz(func(t *testing.T, src string) {
		h := &grubtest.Host{GOARCH: []string{"amd64", "arm64"}[len(src)%2], Disks: []grubtest.Disk{{
			Device: grub.Device{Name: "xen/xvda", Disk: "xen/xvda"},
			FS: grubtest.Files("1234", "lab", map[string]string{"vmlinuz": "k", "t": string(tree), "i": "i", "a/b/c": "echo c; source /a/b/c",
				"boot/grub/grubenv": fmt.Sprintf("# GRUB Environment Block\nx=1\n%s", strings.Repeat("#", 995))}),
		}}}
		in := grub.New(h, command.All(), grub.Limits{Steps: 3000, Memory: 64 << 10, Word: 16 << 10})
		in.Env().Set("root", "xen/xvda")
		in.Env().Set("prefix", "(xen/xvda)/boot/grub")
		ctx := context.Background()
		h.OnMenu = func(ctx context.Context, m *grub.Menu, auto bool) error {
			if len(m.Entries) > 0 && len(h.Menus) < 10 {
				return in.RunEntry(ctx, m.Entries[m.Default(in.Env())], true)
			}
			return nil
		}
		in.Run(ctx, "fuzz", []byte(src))
		for i, e := range in.Menu().Entries {
			if i == 5 {
				break
			}
			in.RunEntry(ctx, e, i%2 == 0)
		}
		in.Menu().Default(in.Env())
		in.Menu().Fallback(in.Env())
	})
}
