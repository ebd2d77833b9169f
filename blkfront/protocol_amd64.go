package blkfront

// protocol is the ring's ABI (public/io/protocols.h).
const protocol = "x86_64-abi"

// Defaults of Options.
const (
	persistentDefault = Off
	requestsDefault   = 64
	bytesDefault      = 16 << 20
)
