//go:build !amd64

package guest

import "pvboot/xen"

// What is different only in a PV domain, which there is only on x86-64.

func showFrames(gfn uint64, n int) (addr uint64, err error) {
	if !mapFrames(gfn*pageSize, uint64(n)*pageSize) {
		return 0, ErrNotMapped
	}
	return gfn * pageSize, nil
}

func hideFrames(addr uint64, n int) error { return nil }

func frameOf(addr uint64) uint64 { return addr / pageSize }

func rings() *xen.StartInfo { return nil }

func ringOutput(p []byte) (n int) { return 0 }

func flushOutput() {}
