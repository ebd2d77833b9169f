package barehost

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCommand(t *testing.T) {
	// Any program will do: it is not started.
	dir := t.TempDir()
	for _, name := range []string{"x86_64", "aarch64", "ppc64", "riscv64"} {
		if err := os.WriteFile(filepath.Join(dir, "qemu-system-"+name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	const common = " -nodefaults -no-user-config -display none -no-reboot -kernel k"
	for name, tt := range map[string]struct {
		machine Machine
		want    string
	}{
		"amd64":   {Machine{Arch: "amd64", Memory: 512, Kernel: "k"}, "x86_64 -machine q35 -accel tcg -cpu qemu64 -smp 1 -m 512" + common},
		"arm64":   {Machine{Arch: "arm64", Memory: 512, Kernel: "k"}, "aarch64 -machine virt -accel tcg -cpu cortex-a57 -smp 1 -m 512" + common},
		"riscv64": {Machine{Arch: "riscv64", Memory: 64, Kernel: "k"}, "riscv64 -machine virt -accel tcg -cpu rv64 -smp 1 -m 64" + common},
		"ppc64":   {Machine{Arch: "ppc64", Memory: 512, Kernel: "k"}, "ppc64 -machine pseries -accel tcg -cpu power9 -smp 1 -m 512" + common},
		"all": {
			Machine{Arch: "amd64", Model: "microvm,acpi=off", CPU: "max", Memory: 1, Kernel: "k", Initrd: "a,b", CmdLine: "x y"},
			"x86_64 -machine microvm,acpi=off -accel tcg -cpu max -smp 1 -m 1" + common + " -initrd a,b -append x y",
		},
	} {
		q, err := tt.machine.command()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := strings.TrimPrefix(filepath.Base(q.Path), "qemu-system-") + " " + strings.Join(q.Args, " ")
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	m := Machine{Arch: "m68k"}
	if _, err := m.command(); err == nil || !strings.Contains(err.Error(), "want one of [amd64 arm64 ppc64 riscv64]") {
		t.Errorf("error %v", err)
	}
}

// What is done without a machine fails, and closing works.
func TestNoMachine(t *testing.T) {
	h := Start(t.Context(), nil)
	for name, err := range map[string]error{"Input": h.Input([]byte("x")), "Destroy": h.Destroy(), "Inspect": h.Inspect()} {
		if err == nil || err.Error() != "no machine runs" {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}
