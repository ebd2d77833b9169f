package guest

import "pvboot/arch/riscv64"

// What a guest uses of SBI, which firmware and hypervisors offer alike (RISC-V
// Supervisor Binary Interface Specification 2.0, chapters of the extensions'
// names).
const (
	sbiBase         = 0x10
	sbiBaseProbe    = 3
	sbiDebugConsole = 0x4442434e // "DBCN"
	sbiDebugWrite   = 0
	sbiDebugRead    = 1
	sbiLegacyPut    = 1          // sbi_console_putchar
	sbiLegacyGet    = 2          // sbi_console_getchar
	sbiReset        = 0x53525354 // "SRST"
	sbiShutdown     = 0
	sbiColdReboot   = 1
	sbiNoReason     = 0
	sbiFailure      = 1
	sbiLegacyEnd    = 8 // sbi_shutdown
)

// haveDebugConsole and havePut are which console there is.
var haveDebugConsole, havePut bool

// haveSBI asks for an extension. A firmware older than SBI 0.2 knows no such
// question, and answers it with an error.
func haveSBI(extension uint64) bool {
	code, value := riscv64.SBICall(sbiBase, sbiBaseProbe, extension, 0, 0)
	return code == 0 && value != 0
}

func initSBIConsole() {
	haveDebugConsole = haveSBI(sbiDebugConsole)
	havePut = !haveDebugConsole && haveSBI(sbiLegacyPut)
}

// sbiOutput writes what the console takes of p. What it refuses with an error is
// gone.
func sbiOutput(p []byte) int {
	switch {
	case len(p) == 0:
		return 0
	case haveDebugConsole:
		addr := physicalOf(uint64(addressOf(&p[0])))
		code, n := riscv64.SBICall(sbiDebugConsole, sbiDebugWrite, uint64(len(p)), addr, 0)
		if code != 0 || n > uint64(len(p)) {
			return len(p)
		}
		return int(n)
	case havePut:
		for _, c := range p {
			riscv64.SBICall(sbiLegacyPut, 0, uint64(c), 0, 0)
		}
	}
	return len(p)
}

// sbiInput reads what has come.
func sbiInput(p []byte) (n int) {
	if haveDebugConsole && len(p) > 0 {
		addr := physicalOf(uint64(addressOf(&p[0])))
		code, n := riscv64.SBICall(sbiDebugConsole, sbiDebugRead, uint64(len(p)), addr, 0)
		if code != 0 || n > uint64(len(p)) {
			return 0
		}
		return int(n)
	}
	for havePut && n < len(p) {
		c, _ := riscv64.SBICall(sbiLegacyGet, 0, 0, 0, 0)
		if c < 0 {
			break
		}
		p[n] = byte(c)
		n++
	}
	return n
}
