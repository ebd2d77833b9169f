package deb

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const (
	keyringPackage = "debian-archive-keyring"
	keyringFile    = "usr/share/keyrings/debian-archive-keyring.gpg"
	newKeyringFile = "usr/share/keyrings/debian-archive-keyring.pgp" // of later releases
)

// firstSuite is the release whose archive the machine's own keyring verifies.
// Later releases are verified by the keyring that this one's archive holds, so
// that an older machine can fetch them too.
const firstSuite = "bookworm"

// keyringArch is the architecture whose index is read for that keyring, which
// is the same file for all: the first release has not every architecture of
// the later ones.
const keyringArch = "amd64"

// keyring returns the file of the keys that sign the suite's archive.
func (s *Suite) keyring(ctx context.Context) (string, error) {
	if s.Name == firstSuite {
		return s.hostKeyring(ctx)
	}
	first := &Suite{Cache: s.Cache, Name: firstSuite, Arch: keyringArch, Progress: s.Progress}
	pkgs, err := first.Unpack(ctx, keyringPackage)
	if err != nil {
		return "", err
	}
	return filepath.Join(pkgs.Root, keyringFile), nil
}

// hostKeyring returns the machine's own keyring of Debian's archive. A machine
// that lacks it, as Ubuntu does, has it in its distribution's archive: it is
// fetched from there with the machine's own apt configuration, and so verified
// by keys that the machine trusts.
func (s *Suite) hostKeyring(ctx context.Context) (string, error) {
	for _, file := range []string{"/" + keyringFile, "/" + newKeyringFile} {
		if exists(file) {
			return file, nil
		}
	}
	dir := s.dir("keyring")
	file := filepath.Join(dir, keyringFile)
	if exists(file) {
		return file, nil
	}
	tmp, err := os.MkdirTemp(s.dir(), "keyring-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	cmd := exec.CommandContext(ctx, "apt-get", "-o", "APT::Sandbox::User=", "download", keyringPackage)
	cmd.Dir = tmp
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("no %s, and apt-get download %s: %w: %s", "/"+keyringFile, keyringPackage, err, bytes.TrimSpace(out))
	}
	debs, err := filepath.Glob(filepath.Join(tmp, "*.deb"))
	if err != nil || len(debs) != 1 {
		return "", fmt.Errorf("apt-get download %s left %d packages", keyringPackage, len(debs))
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if err := extract(ctx, debs[0], dir); err != nil {
		return "", err
	}
	if !exists(file) {
		return "", fmt.Errorf("%s of this machine's archive holds no %s", keyringPackage, keyringFile)
	}
	return file, nil
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
