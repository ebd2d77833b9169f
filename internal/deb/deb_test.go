package deb

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pvboot/internal/cache"
)

// mirror writes an archive in the shape of Debian's into a folder: one package
// with one file, and an index without a signature.
func mirror(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	root := filepath.Join(dir, "root")
	write(t, filepath.Join(root, "DEBIAN/control"), "Package: hello\nVersion: 1.0\nArchitecture: amd64\nMaintainer: Nobody <nobody@example.org>\nDescription: a package\n")
	write(t, filepath.Join(root, "bin/hello"), "hello\n")
	pool := filepath.Join(dir, "pool")
	if err := os.MkdirAll(pool, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(pool, "hello_1.0_amd64.deb")
	if out, err := exec.Command("dpkg-deb", "--root-owner-group", "--build", root, file).CombinedOutput(); err != nil {
		t.Fatalf("dpkg-deb is needed (scripts/install-host-packages): %v: %s", err, out)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	packages := fmt.Sprintf("Package: hello\nVersion: 1.0\nArchitecture: amd64\nFilename: pool/hello_1.0_amd64.deb\nSize: %d\nSHA256: %x\nDescription: a package\n", len(data), sha256.Sum256(data))
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write([]byte(packages)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, suite := range []string{"bookworm", "bookworm-security"} {
		dist := filepath.Join(dir, "dists", suite)
		write(t, filepath.Join(dist, "main/binary-amd64/Packages.gz"), z.String())
		write(t, filepath.Join(dist, "Release"), fmt.Sprintf(
			"Origin: Debian\nSuite: %[1]s\nCodename: %[1]s\nDate: %[2]s\nArchitectures: amd64\nComponents: main\nSHA256:\n %[3]x %[4]d main/binary-amd64/Packages.gz\n %[5]x %[6]d main/binary-amd64/Packages\n",
			suite, time.Now().UTC().Add(-time.Hour).Format(time.RFC1123), sha256.Sum256(z.Bytes()), z.Len(), sha256.Sum256([]byte(packages)), len(packages)))
	}
	return dir
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// An archive whose index nobody signed is refused, and nothing of it is
// unpacked.
func TestUnsignedArchive(t *testing.T) {
	dir := mirror(t)
	t.Setenv(EnvMirror, "file://"+dir)
	t.Setenv(EnvSecurityMirror, "file://"+dir)
	var progress bytes.Buffer
	s := &Suite{Cache: cache.Dir(t.TempDir()), Name: "bookworm", Arch: "amd64", Progress: &progress}
	if !exists("/"+keyringFile) && !exists("/"+newKeyringFile) {
		// Where the machine lacks Debian's keys (Ubuntu), any will do: none of
		// them signed this.
		write(t, s.dir("keyring", keyringFile), "")
	}
	_, err := s.Unpack(context.Background(), "hello")
	if err == nil || !strings.Contains(err.Error(), "apt-get update") {
		t.Fatalf("error %v, want one of apt-get update\n%s", err, progress.String())
	}
	if !strings.Contains(progress.String(), "is not signed") {
		t.Errorf("apt did not say that the archive is not signed:\n%s", progress.String())
	}
	if exists(s.dir("root/usr/bin/hello")) || exists(s.dir("have/hello")) {
		t.Error("an unsigned package was unpacked")
	}

	// The control: the same archive is good when the user says to trust it.
	a, err := s.configure(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile(filepath.Join(a.dir, "sources.list"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(a.dir, "sources.list"), strings.ReplaceAll(string(list), "[arch=", "[trusted=yes arch="))
	if err := a.update(context.Background()); err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	if err := s.fetchWith(context.Background(), a, []string{"hello"}); err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	pkgs, err := s.Unpack(context.Background(), "hello")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(pkgs.Root, "usr/bin/hello")); string(got) != "hello\n" {
		t.Errorf("bin/hello holds %q, %v; want it below usr", got, err)
	}
	if diff := cmp.Diff(map[string]string{"hello": "hello_1.0_amd64.deb"}, pkgs.Versions); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
}

func TestKernelOfMetaPackage(t *testing.T) {
	for name, want := range map[string]bool{
		"linux-image-amd64": true, "linux-image-cloud-arm64": true, "linux-image-6.1.0-50-amd64": false, "busybox-static": false,
	} {
		if metaPackage.MatchString(name) != want {
			t.Errorf("%s is a metapackage: want %v", name, want)
		}
	}
	const show = "Package: linux-image-amd64\nDepends: linux-base, linux-image-6.1.0-50-amd64 (= 6.1.176-1)\nDescription: x\n"
	m := kernelDepends.FindStringSubmatch(show)
	if m == nil || m[1] != "linux-image-6.1.0-50-amd64" {
		t.Errorf("kernel of %q: %q", show, m)
	}
}

func TestProxySettings(t *testing.T) {
	const dump = "APT \"\";\nAcquire::http \"\";\nAcquire::http::Proxy \"http://proxy:3128\";\nAcquire::http::Proxy::deb.debian.org \"DIRECT\";\n" +
		"Acquire::https::proxy \"http://proxy:3128\";\nAcquire::http::Proxy-Auto-Detect \"/usr/bin/detect\";\nDPkg::Post-Invoke:: \"rm -rf /\";\n"
	want := []string{
		`Acquire::http::Proxy "http://proxy:3128";`,
		`Acquire::http::Proxy::deb.debian.org "DIRECT";`,
		`Acquire::https::proxy "http://proxy:3128";`,
		`Acquire::http::Proxy-Auto-Detect "/usr/bin/detect";`,
	}
	if diff := cmp.Diff(want, proxySetting.FindAllString(dump, -1)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPackagesKey(t *testing.T) {
	a := &Packages{Versions: map[string]string{"x": "x_1", "y": "y_1"}}
	b := &Packages{Versions: map[string]string{"y": "y_1", "x": "x_1"}}
	c := &Packages{Versions: map[string]string{"y": "y_1", "x": "x_2"}}
	if a.Key() != b.Key() || a.Key() == c.Key() {
		t.Errorf("keys %s, %s, %s", a.Key(), b.Key(), c.Key())
	}
}
