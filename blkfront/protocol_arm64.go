package blkfront

// protocol is the ring's ABI (public/io/protocols.h).
const protocol = "arm-abi"

// Defaults of Options. With persistent grants few requests are in flight: a ring
// of one page holds them, for which a backend allocates half of what it does for
// two, and their references take few grant frames.
const (
	persistentDefault = On
	requestsDefault   = 32
	bytesDefault      = 4 << 20
)
