package guest

import "pvboot/arch/amd64"

func zero(addr, n uint64) { amd64.Zero(uintptr(addr), uintptr(n)) }
