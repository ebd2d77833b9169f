//go:build rig

// Package xen_test boots domains on real Xen in QEMU. Each script of testdata
// makes its disks and boots them with cmd/rig; the tag keeps the minutes that
// this takes out of a plain `go test ./...`. `make test-xen` runs it.
package xen_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"pvboot/test/script"
)

// tools is where the programs under test are built.
var tools string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "pvboot-xen-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	tools = dir
	for _, args := range [][]string{
		{"go", "build", "-o", dir + "/rig", "pvboot/cmd/rig"},
		{"go", "build", "-o", dir + "/xengo", "pvboot/cmd/xengo"},
		{dir + "/xengo", "build", "-o", dir + "/pvboot.elf", "pvboot/cmd/pvboot"},
		{dir + "/xengo", "build", "-tags", "pvboot_leak", "-o", dir + "/pvboot-leak.elf", "pvboot/cmd/pvboot"},
		{dir + "/xengo", "build", "-arch", "arm64", "-o", dir + "/pvboot-arm64", "pvboot/cmd/pvboot"},
		{dir + "/xengo", "build", "-arch", "arm64", "-tags", "pvboot_leak", "-o", dir + "/pvboot-arm64-leak", "pvboot/cmd/pvboot"},
		{dir + "/xengo", "build", "-arch", "arm64", "-tags", "pvboot_keep", "-o", dir + "/pvboot-arm64-keep", "pvboot/cmd/pvboot"},
		{dir + "/xengo", "build", "-arch", "arm64", "-o", dir + "/hello-arm64", "pvboot/guest/example"},
		{dir + "/xengo", "build", "-arch", "arm64", "-o", dir + "/probe-arm64", "pvboot/test/xen/probe"},
		{dir + "/xengo", "build", "-o", dir + "/hello.elf", "pvboot/guest/example"},
		{dir + "/xengo", "build", "-o", dir + "/probe.elf", "pvboot/test/xen/probe"},
		{dir + "/xengo", "build", "-symbols", "-o", dir + "/symbols.elf", "pvboot/test/xen/symbols"},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n%s", strings.Join(args, " "), err, out)
			return 1
		}
	}
	return m.Run()
}

func TestXen(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Cd = root // rig builds what runs in dom0 from the project
			env.Setenv("PATH", tools+string(os.PathListSeparator)+env.Getenv("PATH"))
			if os.Getenv("PVBOOT_CACHE") == "" {
				env.Setenv("PVBOOT_CACHE", filepath.Join(root, ".cache"))
			} else {
				env.Setenv("PVBOOT_CACHE", os.Getenv("PVBOOT_CACHE"))
			}
			env.Setenv("PVBOOT", filepath.Join(tools, "pvboot.elf"))
			env.Setenv("LEAK", filepath.Join(tools, "pvboot-leak.elf"))
			env.Setenv("HELLO", filepath.Join(tools, "hello.elf"))
			env.Setenv("PROBE", filepath.Join(tools, "probe.elf"))
			env.Setenv("SYMBOLS", filepath.Join(tools, "symbols.elf"))
			env.Setenv("PVBOOT_ARM64", filepath.Join(tools, "pvboot-arm64"))
			env.Setenv("LEAK_ARM64", filepath.Join(tools, "pvboot-arm64-leak"))
			env.Setenv("KEEP_ARM64", filepath.Join(tools, "pvboot-arm64-keep"))
			env.Setenv("HELLO_ARM64", filepath.Join(tools, "hello-arm64"))
			env.Setenv("PROBE_ARM64", filepath.Join(tools, "probe-arm64"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"sameram":   script.SameRAM,
			"corrupt":   script.Corrupt,
			"entry32":   entry32,
			"vmlinux":   vmlinuxCmd,
			"pvgrub":    pvgrubCmd,
			"multiboot": multibootCmd,
			"sametree":  script.SameTree,
			"edittree":  script.EditTree,
			"badkernel": badKernelCmd,
			"symtab":    symtabCmd,
			"sameline":  sameLine,
			"samestore": sameStore,
		},
	})
}

// entry32 copies a bzImage and takes its 64-bit entry out of the header:
// XLF_KERNEL_64 of xloadflags (Linux Documentation/arch/x86/boot.rst).
func entry32(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: entry32 BZIMAGE COPY")
	}
	kernel, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	const xloadflags, kernel64 = 0x236, 1
	if len(kernel) <= xloadflags || kernel[xloadflags]&kernel64 == 0 {
		ts.Fatalf("%s has no 64-bit entry", args[0])
	}
	kernel[xloadflags] &^= kernel64
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), kernel, 0o644))
}
