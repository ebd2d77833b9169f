//go:build !amd64 && !arm64

package blkfront

// protocol is empty where public/io/protocols.h has no name: then the ring's
// ABI is the backend's own.
const protocol = ""

// Defaults of Options.
const (
	persistentDefault = Off
	requestsDefault   = 64
	bytesDefault      = 16 << 20
)
