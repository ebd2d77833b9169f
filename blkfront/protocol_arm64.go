package blkfront

// protocol is the ring's ABI (public/io/protocols.h).
const protocol = "arm-abi"

const persistentDefault = On
