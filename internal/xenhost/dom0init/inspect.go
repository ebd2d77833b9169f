package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"pvboot/internal/xenhost/wire"
)

// inspectTime bounds how long the tools may look at a domain.
const inspectTime = 10 * time.Second

// inspect returns the registers and the stack of a domain's first processor.
func (d *domain) inspect() []byte {
	bin, err := xenBin()
	if err != nil || d.id == "" {
		return []byte("xenctx: there is no domain yet")
	}
	ctx, cancel := context.WithTimeout(context.Background(), inspectTime)
	defer cancel()
	out, err := exec.CommandContext(ctx, filepath.Join(bin, "xenctx"), d.id).CombinedOutput()
	if err != nil {
		out = fmt.Appendf(out, "xenctx: %v", err)
	}
	out = out[:min(len(out), wire.MaxPayload-100)]
	return fmt.Appendf(nil, "where the domain is (xenctx):\n%s", bytes.TrimSpace(out))
}
