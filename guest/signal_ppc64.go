package guest

// handlerCode is where a signal handler begins: its address is that of a function
// descriptor.
func handlerCode(handler uint64) uint64 { return *at[uint64](handler) }
