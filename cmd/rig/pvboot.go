package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

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
	return file, os.Rename(image, file)
}
