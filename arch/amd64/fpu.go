package amd64

// Bits of CPUID leaf 1 ECX, CR4 and XCR0 (SDM 13.3, APM vol. 2, 11.5).
const (
	featureXSAVE = 1 << 26
	featureAVX   = 1 << 28
	cr4OSXSAVE   = 1 << 18
	xcr0X87SSE   = 3
	xcr0AVX      = 4
)

// enableAVX lets programs use AVX where the processor has it: the runtime and
// the crypto packages look at OSXSAVE and XCR0. AVX-512 stays off.
func enableAVX() {
	_, _, ecx, _ := CPUID(1, 0)
	if ecx&featureXSAVE == 0 {
		return
	}
	writeCR4(readCR4() | cr4OSXSAVE)
	if ecx&featureAVX != 0 {
		xsetbv(0, xcr0X87SSE|xcr0AVX)
	} else {
		xsetbv(0, xcr0X87SSE)
	}
}
