//go:build ppc64 || ppc64le

package guest

func initConsole() {
	if tree, ok := openDeviceTree(deviceTreeFound); ok {
		readPower(tree)
	}
}

// portOutput writes to the hypervisor's console or to OPAL's.
func portOutput(p []byte) {
	if portThere() {
		portPut(p)
	}
}
