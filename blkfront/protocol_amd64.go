package blkfront

// protocol is the ring's ABI (public/io/protocols.h).
const protocol = "x86_64-abi"

const persistentDefault = Off
