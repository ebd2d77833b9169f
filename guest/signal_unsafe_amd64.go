package guest

import "unsafe"

const sigframeSize = uint64(unsafe.Sizeof(sigframe{}))
