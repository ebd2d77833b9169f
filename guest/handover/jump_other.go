//go:build !amd64 && !arm64 && !riscv64 && !ppc64 && !ppc64le

package handover

import (
	"fmt"
	"runtime"
)

// Jump enters the target; this architecture has no way to do that yet.
func (l *Loaded) Jump() error { return fmt.Errorf("handover: no jump on %s", runtime.GOARCH) }
