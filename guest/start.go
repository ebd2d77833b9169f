package guest

// startInfo is what the toolstack left, copied before anything else may
// overwrite it: Xen's toolstack puts it right behind the image or at the top of
// RAM, QEMU into page 0.
type startInfo struct {
	cmdLine       text
	bootLoader    text   // that started the image instead of the toolstack
	memory        ranges // sorted
	rsdp          uint64
	modules       ranges
	moduleCmdLine [4]text
	deviceTree    []byte
	hart          uint64
}

var start startInfo
