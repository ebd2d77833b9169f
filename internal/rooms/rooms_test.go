package rooms

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// list asks go list about all packages of the module, built for goarch.
func list(t *testing.T, goarch string) []Package {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Deps,TestImports,XTestImports", Module+"/...")
	cmd.Env = append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0", "GOARCH="+goarch)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v: %s", err, stderr.Bytes())
	}
	pkgs, err := Parse(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	return pkgs
}

func TestImports(t *testing.T) {
	for _, goarch := range []string{"amd64", "arm64", "riscv64", "ppc64le"} {
		pkgs := list(t, goarch)
		for _, want := range []string{"pvboot/hypercall", "pvboot/xen", "pvboot/internal/rooms"} {
			found := false
			for _, p := range pkgs {
				found = found || p.ImportPath == want
			}
			if !found {
				t.Errorf("%s: go list does not know %s", goarch, want)
			}
		}
		for _, line := range Check(Rules, pkgs) {
			t.Errorf("%s: %s", goarch, line)
		}
	}
}

// TestCheckFindsBreaches is the negative control: imports made up to break
// each rule.
func TestCheckFindsBreaches(t *testing.T) {
	for _, tt := range []struct {
		from, to string
		test     bool // a test's import
		bad      bool
	}{
		{"hypercall", "xen", false, true},
		{"hypercall", "xen/xentest", true, true},
		{"hypercall", "internal/shm", false, false},
		{"xen", "hypercall", false, false},
		{"xen", "console", false, true},
		{"xen", "blkfront", false, true},
		{"xen", "xen/xentest", false, true},
		{"xen", "xen/xentest", true, false},
		{"xen/xenbus", "guest", false, true},
		{"xen/xentest", "blkfront/blkif", false, false},
		{"xen/xentest", "blkfront", false, true},
		{"xen/xentest", "console/xencons", false, false},
		{"xen/xentest", "console", false, true},
		{"xen/xentest", "guest", false, true},
		{"xen/xentest", "xen/xentest/xenstored", false, false},
		{"console", "xen", false, false},
		{"console", "blkfront", false, true},
		{"blkfront", "loader/volume", false, true},
		{"blkfront", "xen/xentest", true, false},
		{"blkfront", "xen/xentest", false, true},
		{"loader", "blkfront", false, true},
		{"loader", "memdisk", false, true},
		{"memdisk", "loader/volume", false, true},
		{"memdisk", "serial", false, true},
		{"serial", "guest", false, true},
		{"serial", "memdisk", false, true},
		{"guest", "serial", false, true},
		{"internal/shm", "memdisk", false, true},
		{"cmd/pvboot", "memdisk", false, false},
		{"loader/grub", "xen", false, true},
		{"loader/grub", "hypercall", true, true},
		{"loader/fs/ext4", "loader/fs", false, false},
		{"loader/image", "arch/amd64", false, true},
		{"guest", "arch/amd64", false, false},
		{"guest/handover", "arch/amd64", false, false},
		{"guest", "blkfront", false, true},
		{"guest/handover", "console", false, true},
		{"guest/example", "console", false, false},
		{"arch/amd64", "guest", false, true},
		{"arch/amd64", "xen", false, true},
		{"arch/amd64", "loader/image", false, false},
		{"internal/shm", "xen", false, true},
		{"internal/shm", "arch/amd64", false, true},
		{"cmd/pvboot", "blkfront", false, false},
		{"loaderish", "xen", false, false}, // not the room loader
	} {
		p := Package{ImportPath: Module + "/" + tt.from}
		to := Module + "/" + tt.to
		if tt.test {
			p.XTestImports = []string{to}
		} else {
			p.Deps = []string{"fmt", to}
		}
		var want []string
		if tt.bad {
			want = []string{p.ImportPath + " imports " + to}
		}
		if d := cmp.Diff(want, Check(Rules, []Package{p})); d != "" {
			t.Error(d)
		}
	}
}

func TestParse(t *testing.T) {
	pkgs, err := Parse(strings.NewReader(`{"ImportPath":"a","Deps":["b"]}` + "\n" + `{"ImportPath":"c"}`))
	if err != nil || len(pkgs) != 2 || pkgs[0].Deps[0] != "b" {
		t.Errorf("%v, %v", pkgs, err)
	}
	if _, err := Parse(strings.NewReader(`{"ImportPath":`)); err == nil {
		t.Error("no error")
	}
}
