package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"pvboot/internal/cache"
)

// buildPvboot builds the loader and returns its image.
func buildPvboot(ctx context.Context, dir cache.Dir, arch string) (string, error) {
	return buildImage(ctx, dir, "pvboot", "pvboot/cmd/pvboot", arch)
}

// goarch is GOARCH's name for an architecture of -arch.
func goarch(arch string) string {
	if arch == "ppc64" {
		return "ppc64le"
	}
	return arch
}

// buildImage builds a package with xengo and returns the image. The go command's
// cache makes this quick when nothing has changed.
func buildImage(ctx context.Context, dir cache.Dir, name, pkg, arch string) (string, error) {
	arch = goarch(arch)
	unlock, err := dir.Lock("pvboot/" + name + "-" + arch)
	if err != nil {
		return "", err
	}
	defer unlock()
	tmp, err := os.MkdirTemp(dir.Path("pvboot"), "new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	image := filepath.Join(tmp, name)
	cmd := exec.CommandContext(ctx, "go", "run", "pvboot/cmd/xengo", "build", "-arch", arch, "-o", image, pkg)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w: %s", name, err, bytes.TrimSpace(out))
	}
	// Another rig may be reading the last image: the name says the content.
	key, err := cache.FileKey(image)
	if err != nil {
		return "", err
	}
	file := dir.Path("pvboot", name+"-"+arch+"-"+key)
	if err := os.Rename(image, file); err != nil {
		return "", err
	}
	return file, removeOld(dir.Path("pvboot", name+"-"+arch+"-*"))
}

// imageAge is how long an image that is not built again stays in the cache.
const imageAge = 24 * time.Hour

// removeOld removes the files that a pattern matches and that are old.
func removeOld(pattern string) error {
	files, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err == nil && time.Since(info.ModTime()) > imageAge {
			err = os.Remove(file)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
