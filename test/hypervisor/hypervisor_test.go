//go:build rig

// Package hypervisor_test boots domains on the test hypervisors in QEMU, where no
// released Xen has domains, as package test/xen does on real Xen. `make
// test-hypervisor` runs it.
package hypervisor_test

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

// images are the programs that scripts start as a domain's kernel, for each
// architecture: package, and tags. $NAME_ARCH is the file.
var images = map[string][2]string{
	"PVBOOT": {"pvboot/cmd/pvboot", ""},
	// The controls. What KEEP and DROP leave behind they do not look for.
	"LEAK":  {"pvboot/cmd/pvboot", "pvboot_leak"},
	"KEEP":  {"pvboot/cmd/pvboot", "pvboot_keep"},
	"DROP":  {"pvboot/cmd/pvboot", "pvboot_leak,pvboot_keep"},
	"HELLO": {"pvboot/guest/example", ""},
	"PROBE": {"pvboot/test/xen/probe", ""},
	"STRAY": {"pvboot/test/hypervisor/stray", ""},
}

var arches = []string{"riscv64", "ppc64le"}

// tools is where the programs under test are built.
var tools string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "pvboot-hypervisor-")
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
	for name, p := range images {
		for _, arch := range arches {
			builds = append(builds, []string{dir + "/xengo", "build", "-arch", arch, "-tags", p[1], "-o", image(name, arch), p[0]})
		}
	}
	for _, args := range builds {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n%s", strings.Join(args, " "), err, out)
			return 1
		}
	}
	return m.Run()
}

// image is the file that an image is built to.
func image(name, arch string) string { return filepath.Join(tools, strings.ToLower(name)+"-"+arch) }

func TestHypervisor(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Cd = root // rig builds the hypervisor from the project
			env.Setenv("PATH", tools+string(os.PathListSeparator)+env.Getenv("PATH"))
			cache := os.Getenv("PVBOOT_CACHE")
			if cache == "" {
				cache = filepath.Join(root, ".cache")
			}
			env.Setenv("PVBOOT_CACHE", cache)
			for name := range images {
				for _, arch := range arches {
					env.Setenv(name+"_"+strings.ToUpper(arch), image(name, arch))
				}
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"sameram": script.SameRAM},
	})
}
