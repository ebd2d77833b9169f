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
	sbiLegacyPut    = 1          // sbi_console_putchar
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

// sbiOutput writes p, or what the console takes of it.
func sbiOutput(p []byte) {
	for tries := 0; haveDebugConsole && len(p) > 0 && tries < 10000; tries++ {
		addr := physicalOf(uint64(addressOf(&p[0])))
		code, n := riscv64.SBICall(sbiDebugConsole, sbiDebugWrite, uint64(len(p)), addr, 0)
		if code != 0 || n > uint64(len(p)) {
			return
		}
		p = p[n:]
	}
	for i := 0; havePut && i < len(p); i++ {
		riscv64.SBICall(sbiLegacyPut, 0, uint64(p[i]), 0, 0)
	}
}
