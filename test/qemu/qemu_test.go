//go:build rig

// Package qemu_test boots machines without Xen in QEMU, with a disk image as
// initrd. Each script of testdata makes its disks and boots them with cmd/rig.
// `make test-qemu` runs it.
package qemu_test

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

// loaders are the loaders under test, by GOARCH's name, and what scripts call
// them.
var loaders = map[string]string{
	"amd64": "PVBOOT", "arm64": "PVBOOT_ARM64", "riscv64": "PVBOOT_RISCV64", "ppc64le": "PVBOOT_PPC64",
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "pvboot-qemu-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	tools = dir
	builds := [][]string{
		{"go", "build", "-o", dir + "/rig", "pvboot/cmd/rig"},
		{"go", "build", "-o", dir + "/xengo", "pvboot/cmd/xengo"},
	}
	for arch, name := range loaders {
		builds = append(builds, []string{dir + "/xengo", "build", "-arch", arch, "-o", filepath.Join(dir, name), "pvboot/cmd/pvboot"})
	}
	for _, args := range builds {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n%s", strings.Join(args, " "), err, out)
			return 1
		}
	}
	return m.Run()
}

func TestQEMU(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	cache := os.Getenv("PVBOOT_CACHE")
	if cache == "" {
		cache = filepath.Join(root, ".cache")
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Cd = root
			env.Setenv("PATH", tools+":"+env.Getenv("PATH")+":/usr/sbin:/sbin") // mke2fs
			env.Setenv("PVBOOT_CACHE", cache)
			for _, name := range loaders {
				env.Setenv(name, filepath.Join(tools, name))
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"sameram":  script.SameRAM,
			"sametree": script.SameTree,
			"truncate": script.Truncate,
		},
	})
}
