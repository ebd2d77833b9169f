package hypercall

// Commands of OpConsoleIO (public/xen.h, CONSOLEIO_*).
const ConsoleIOWrite = 0

// ConsoleWrite writes text to Xen's own console. A release build of Xen
// refuses unprivileged domains with EPERM.
func ConsoleWrite(h Hypervisor, text []byte) error {
	if len(text) == 0 {
		return nil
	}
	_, err := result("CONSOLEIO_write", h.Call(OpConsoleIO, Int(ConsoleIOWrite), Int(len(text)), Ptr(&text[0])))
	return err
}
