package overlay

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// goroot is the toolchain that runs this test.
func goroot(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatalf("go env: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// doctored copies the files that edits touch from root to a new folder.
func doctored(t *testing.T, root string, edits []Edit) string {
	t.Helper()
	dir := t.TempDir()
	for _, e := range edits {
		text, err := os.ReadFile(filepath.Join(root, "src", e.File))
		if err != nil {
			t.Fatal(err)
		}
		if err := writeFile(filepath.Join(dir, "src", e.File), text); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// trapLine is a line with a system call of any architecture.
var trapLine = regexp.MustCompile(`(?m)^\s*(SYSCALL|SVC|ECALL)\b.*$`)

func TestEveryTableFitsThisGo(t *testing.T) {
	root := goroot(t)
	for arch := range tables {
		edits, err := Edits(arch)
		if err != nil {
			t.Fatal(err)
		}
		files, err := Apply(root, "this", edits)
		if err != nil {
			t.Errorf("%s: %v", arch, err)
		}
		for name, text := range files {
			if !strings.HasSuffix(name, ".s") {
				continue
			}
			if trap := trapLine.FindString(string(text)); trap != "" {
				t.Errorf("%s: %s still has %q", arch, name, trap)
			}
		}
	}
}

// TestKeptRegisters: hooks take registers for themselves (the link register's
// keeper, and on arm64 one more), so the files with system calls must not use
// them.
func TestKeptRegisters(t *testing.T) {
	for _, test := range []struct {
		name  string
		edits []Edit
		hook  string // what is there once for each system call
		kept  string
		hooks int
	}{
		{"arm64", arm64, hookARM64, `\bR1[67]\b`, 42},
		{"riscv64", riscv64, hookRISCV64, `\b(X29|T4|X31|T6|TMP)\b`, 38},
		{"ppc64le", ppc64le, "\tCALL\truntime∕goos·Syscall(SB)\n\tMOVD\tR26, LR", `\bR26\b`, 39},
		{"ppc64", ppc64, "\tCALL\truntime∕goos·Syscall(SB)\n\tMOVD\tR26, LR", `\bR26\b`, 39},
	} {
		files, err := Apply(goroot(t), "this", test.edits)
		if err != nil {
			t.Fatal(err)
		}
		hooks := 0
		for name, text := range files {
			n := strings.Count(string(text), test.hook)
			hooks += n
			rest := strings.ReplaceAll(string(text), test.hook, "")
			rest = strings.ReplaceAll(rest, "\tMOVD\tLR, R26\n", "")
			if used := regexp.MustCompile(test.kept).FindString(rest); used != "" && n > 0 {
				t.Errorf("%s: %s uses %s", test.name, name, used)
			}
		}
		if hooks != test.hooks {
			t.Errorf("%s: %d hooks, want %d", test.name, hooks, test.hooks)
		}
	}
}

// TestSyscallNumbers: on ppc64 the number is the instruction's operand.
func TestSyscallNumbers(t *testing.T) {
	files, err := Apply(goroot(t), "this", ppc64le)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"runtime/sys_linux_ppc64x.s":                        "\tMOVD\tLR, R26\n\tMOVD\t$SYS_exit_group, R0\n\tCALL\t",
		"internal/runtime/syscall/linux/asm_linux_ppc64x.s": "\tMOVD\tLR, R26\n\tMOVD\tR10, R0\n\tCALL\t",
	} {
		if !strings.Contains(string(files[name]), want) {
			t.Errorf("%s has no %q", name, want)
		}
	}
}

// TestUnknownVersions changes one file at a time as another Go version might
// have it: each must be refused by the pattern that no longer fits.
func TestUnknownVersions(t *testing.T) {
	root := goroot(t)
	signature := common[5].Pattern
	for _, test := range []struct {
		name, file, old, new string
		pattern              string
		got                  int
	}{
		{"one more system call", "runtime/sys_linux_amd64.s", "\tSYSCALL\n", "\tSYSCALL\n\tSYSCALL\n", syscallAMD64, 41},
		{"one system call fewer", "syscall/asm_linux_amd64.s", "\tSYSCALL\n", "\n", syscallAMD64, 2},
		{"constant renamed", "runtime/malloc.go", "\tlogHeapArenaBytes = ", "\theapArenaLog = ", `^\tlogHeapArenaBytes = \(6\+20\).*$`, 0},
		{"condition gone", "runtime/proc.go", `if GOARCH == "wasm" {`, `if noThreads {`, `GOARCH == "wasm"`, 4},
		{"signature changed", "runtime/mem.go", "func sysReserveAligned(v unsafe.Pointer, size, align uintptr, vmaName string)", "func sysReserveAligned(v unsafe.Pointer, size, align uintptr)",
			signature, 0},
		{"file gone", "runtime/rt0_linux_amd64.s", "", "", `^\tJMP\t_rt0_amd64\(SB\)$`, 0},
		{"one more system call", "runtime/sys_linux_arm64.s", "\tSVC\n", "\tSVC\n\tSVC\n", syscallARM64, 40},
		{"one system call fewer", "syscall/asm_linux_arm64.s", "\tSVC\n", "\n", syscallARM64, 1},
		{"a system call with a number", "internal/runtime/syscall/linux/asm_linux_arm64.s", "\tSVC\n", "\tSVC\t$0\n", syscallARM64, 0},
		{"another start", "runtime/rt0_linux_arm64.s", "\tJMP\t_rt0_arm64(SB)\n", "\tB\t_rt0_arm64(SB)\n", `^\tJMP\t_rt0_arm64\(SB\)$`, 0},
		{"one more system call", "runtime/sys_linux_riscv64.s", "\tECALL\n", "\tECALL\n\tECALL\n", syscallRISCV64, 36},
		{"one system call fewer", "syscall/asm_linux_riscv64.s", "\tECALL\n", "\n", syscallRISCV64, 1},
		{"another start", "runtime/rt0_linux_riscv64.s", "\tJMP\tmain(SB)\n", "\tJMP\t_main(SB)\n", riscv64[0].Pattern, 0},
		{"one more system call", "runtime/sys_linux_ppc64x.s", "\tSYSCALL\t$SYS_exit\n", "\tSYSCALL\t$SYS_exit\n\tSYSCALL\tR3\n", syscallPPC64, 37},
		{"one system call fewer", "syscall/asm_linux_ppc64x.s", "\tSYSCALL R9\n", "\n", syscallPPC64, 1},
		{"another start", "runtime/rt0_linux_ppc64le.s", "\tBR _main<>(SB)\n", "\tBR main(SB)\n", ppc64le[0].Pattern, 0},
	} {
		arch := "amd64"
		for _, a := range []struct{ suffix, arch string }{{"_arm64.s", "arm64"}, {"_riscv64.s", "riscv64"}, {"_ppc64x.s", "ppc64le"}, {"_ppc64le.s", "ppc64le"}} {
			if strings.HasSuffix(test.file, a.suffix) {
				arch = a.arch
			}
		}
		edits, err := Edits(arch)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(arch+" "+test.name, func(t *testing.T) {
			dir := doctored(t, root, edits)
			name := filepath.Join(dir, "src", test.file)
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if test.old == "" {
				err = os.Remove(name)
			} else {
				changed := strings.Replace(string(text), test.old, test.new, 1)
				if changed == string(text) {
					t.Fatalf("%s has no %q", test.file, test.old)
				}
				err = os.WriteFile(name, []byte(changed), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
			_, err = Apply(dir, "go1.99", edits)
			var mismatch *MismatchError
			if !errors.As(err, &mismatch) {
				t.Fatalf("Apply: %v, want a MismatchError", err)
			}
			if mismatch.Edit.Pattern != test.pattern || mismatch.Got != test.got {
				t.Errorf("Apply: %v, want pattern %q found %d times", err, test.pattern, test.got)
			}
			for _, want := range []string{"go1.99", test.file} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not name %s", err, want)
				}
			}
		})
	}
}

func TestUnknownArchitecture(t *testing.T) {
	_, err := Edits("vax")
	if want := "overlay: vax: no overlay for this architecture (known: amd64, arm64, ppc64, ppc64le, riscv64)"; err == nil || err.Error() != want {
		t.Errorf("Edits: %v, want %s", err, want)
	}
	if !errors.Is(err, ErrArch) {
		t.Errorf("%v is not ErrArch", err)
	}
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	files := map[string][]byte{"runtime/a.go": []byte("package runtime\n")}
	extra := map[string][]byte{"/project/x_test.go": []byte("package x_test\n")}
	name, err := Write(dir, "/go", files, extra)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "src/runtime/a.go")
	before, err := os.Stat(copied)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Write(dir, "/go", files, extra)
	if err != nil {
		t.Fatal(err)
	}
	if second == name {
		t.Errorf("two builds share %s", name)
	}
	if after, err := os.Stat(copied); err != nil || !os.SameFile(before, after) {
		t.Errorf("a file with the same contents was written anew (%v)", err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Replace map[string]string }
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"/go/src/runtime/a.go": copied,
		"/project/x_test.go":   filepath.Join(dir, "extra/project/x_test.go"),
	}
	if diff := cmp.Diff(want, got.Replace); diff != "" {
		t.Error(diff)
	}
	for _, name := range want {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
}
