package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"pvboot/internal/xenhost/wire"
)

// sendListing sends what xenstore holds about the domain.
func (d *domain) sendListing(conn *wire.Conn) error {
	if d.id == "" {
		return errors.New("xenstore-ls: there is no domain yet")
	}
	listing, err := listStore(d.id)
	if err != nil {
		return err
	}
	return conn.WriteJSON(wire.Listing, listing)
}

// listStore lists the domain's own part of xenstore, its backends in dom0 and
// its /vm, with permissions.
func listStore(id string) (*wire.Store, error) {
	store, err := dialStore()
	if err != nil {
		return nil, err
	}
	defer store.Close()
	vm, err := store.Read("/local/domain/" + id + "/vm")
	if err != nil {
		return nil, err
	}
	paths := []string{"/local/domain/" + id, vm}
	kinds, err := store.Directory("/local/domain/0/backend")
	if err != nil && !errors.Is(err, errNoEntry) {
		return nil, err
	}
	for _, kind := range kinds {
		path := "/local/domain/0/backend/" + kind + "/" + id
		if _, err := store.Read(path); err == nil {
			paths = append(paths, path)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), inspectTime)
	defer cancel()
	var text strings.Builder
	for _, path := range paths {
		var msg bytes.Buffer
		cmd := exec.CommandContext(ctx, "xenstore-ls", "-f", "-p", path)
		cmd.Stdout, cmd.Stderr = &text, &msg
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("xenstore-ls %s: %w: %s", path, err, bytes.TrimSpace(msg.Bytes()))
		}
	}
	return &wire.Store{Domain: id, VM: filepath.Base(vm), Text: text.String()}, nil
}
