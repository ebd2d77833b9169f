//go:build ppc64 || ppc64le

package guest

// initConsole has nothing to do: the console is a call away.
func initConsole() {}

// portOutput writes to the hypervisor's console or to OPAL's.
func portOutput(p []byte) {
	if portThere() {
		portPut(p)
	}
}
