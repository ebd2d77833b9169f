//go:build amd64

package amd64

import "github.com/usbarmory/tamago/bits"

// Bit numbers in CPUID leaf 1 ECX and CR4, and masks in XCR0 (SDM 13.3, APM
// vol. 2, 11.5).
const (
	featureXSAVE = 26
	featureAVX   = 28
	cr4OSXSAVE   = 18
	xcr0X87SSE   = 3
	xcr0AVX      = 4
)

// enableAVX lets programs use AVX where the processor has it: the runtime and
// the crypto packages look at OSXSAVE and XCR0. AVX-512 stays off.
func enableAVX() {
	_, _, ecx, _ := CPUID(1, 0)
	if !bits.Get(&ecx, featureXSAVE) {
		return
	}
	cr4 := readCR4()
	bits.Set64(&cr4, cr4OSXSAVE)
	writeCR4(cr4)
	if bits.Get(&ecx, featureAVX) {
		xsetbv(0, xcr0X87SSE|xcr0AVX)
	} else {
		xsetbv(0, xcr0X87SSE)
	}
}
