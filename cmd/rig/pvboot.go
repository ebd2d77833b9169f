package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"pvboot/internal/cache"
)

// buildPvboot builds the loader with xengo and returns its image. The go
// command's cache makes this quick when nothing has changed.
func buildPvboot(ctx context.Context, dir cache.Dir, arch string, progress io.Writer) (string, error) {
	unlock, err := dir.Lock("pvboot/" + arch)
	if err != nil {
		return "", err
	}
	defer unlock()
	tmp, err := os.MkdirTemp(dir.Path("pvboot"), "new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	image := filepath.Join(tmp, "pvboot")
	cmd := exec.CommandContext(ctx, "go", "run", "pvboot/cmd/xengo", "build", "-arch", arch, "-o", image, "pvboot/cmd/pvboot")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build pvboot: %w: %s", err, bytes.TrimSpace(out))
	}
	// Another rig may be reading the last image: the name says the content.
	key, err := cache.FileKey(image)
	if err != nil {
		return "", err
	}
	file := dir.Path("pvboot", "pvboot-"+arch+"-"+key)
	if err := os.Rename(image, file); err != nil {
		return "", err
	}
	return file, removeOld(dir.Path("pvboot", "pvboot-*"))
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
