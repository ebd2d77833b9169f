//go:build ppc64 || ppc64le

package guest

import (
	"encoding/binary"

	"pvboot/arch/ppc64"
	"pvboot/arch/ppc64/openfirmware"
)

// firmware is Open Firmware, if it started the program. There is no heap for it.
var firmware openfirmware.Client

// room is where Open Firmware's device tree is copied to.
var room [256 << 10 / 8]uint64

// deviceTreeAddress is where the tree lies. Open Firmware has none: it is made,
// and the firmware not used any more.
func deviceTreeAddress() uint64 {
	entry, initrd, size := ppc64.OpenFirmware()
	if entry == 0 {
		ppc64.Catch()
		return ppc64.DeviceTree()
	}
	clientEntry = entry
	memory := memory(uint64(addressOf(&room[0])), len(room)*8)
	c := &firmware
	*c = openfirmware.Client{Call: callClient, Memory: memory, Base: uint64(addressOf(&room[0]))}
	chosen := openfirmware.Chosen{RTAS: c.Instantiate()}
	const nothing = 0xdeadbeef // what firmware leaves in r4 for no initrd
	if initrd != 0 && size != 0 && size != nothing {
		chosen.Initrd = openfirmware.Range{Start: initrd, Size: size}
	}
	tree, why := c.Flatten(chosen)
	if why != "" {
		c.Print("pvboot: device tree: ")
		c.Print(why)
		c.Print("\r\n")
	}
	c.Quiesce()
	ppc64.Catch()
	if why != "" {
		return 0
	}
	return uint64(addressOf(&tree[0]))
}

// clientEntry is Open Firmware's, and firmwareRegs a call's registers.
var (
	clientEntry  uint64
	firmwareRegs [10]uint64
)

// callClient calls Open Firmware, in 32-bit mode as the client interface has it
// (IEEE 1275's PowerPC binding, 8.2 and 10.1).
func callClient(args uint64) {
	firmwareRegs = [10]uint64{2: args}
	ppc64.Firmware(clientEntry, ppc64.MSRSF, &firmwareRegs)
}

// rtasArgs is the argument buffer of an RTAS call (LoPAR, 7.2.4 "Argument Call
// Buffer"): token, how many inputs and outputs, and they.
var rtasArgs [8]uint32

// rtas calls a service with inputs and one output, its status.
func rtas(service uint32, inputs ...uint32) {
	if found.papr.rtas.entry == 0 || service == noToken {
		return
	}
	args := memory(uint64(addressOf(&rtasArgs[0])), 4*len(rtasArgs))
	clear(args)
	binary.BigEndian.PutUint32(args, service)
	binary.BigEndian.PutUint32(args[4:], uint32(len(inputs)))
	binary.BigEndian.PutUint32(args[8:], 1)
	for i, v := range inputs {
		binary.BigEndian.PutUint32(args[12+4*i:], v)
	}
	firmwareRegs = [10]uint64{2: uint64(addressOf(&rtasArgs[0])), 3: found.papr.rtas.base}
	ppc64.Firmware(found.papr.rtas.entry, ppc64.MSRSF, &firmwareRegs)
}

// Numbers of OPAL calls (skiboot, include/opal-api.h).
const (
	opalPowerDown  = 5
	opalReboot     = 6
	opalPollEvents = 10
)

// opal calls OPAL (skiboot, doc/opal-api/README.rst): number in r0, OPAL's base in
// r2.
func opal(number uint64, a1, a2, a3 uint64) int64 {
	if found.papr.opal.entry == 0 {
		return -1
	}
	firmwareRegs = [10]uint64{number, found.papr.opal.base, a1, a2, a3}
	return int64(ppc64.Firmware(found.papr.opal.entry, 0, &firmwareRegs))
}
