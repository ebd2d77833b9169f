//go:build amd64 || arm64 || riscv64 || ppc64le || ppc64

package guest

import "unsafe"

const sigframeSize = uint64(unsafe.Sizeof(sigframe{}))
