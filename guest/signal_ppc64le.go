package guest

// handlerCode is where a signal handler begins.
func handlerCode(handler uint64) uint64 { return handler }
