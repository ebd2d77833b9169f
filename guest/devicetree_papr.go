package guest

import "pvboot/internal/fdt"

// papr is what a device tree tells of the hypervisor's and the firmware's services
// on the Power architecture (LoPAR, appendix B; skiboot, doc/device-tree/ibm,opal).
type papr struct {
	// vty is what consoles there are, by the numbers of H_PUT_TERM_CHAR: that with
	// the lowest one, and the next for the exit status.
	vty  [2]uint32
	vtys int
	rtas struct {
		base, entry      uint64 // 0 for none
		powerOff, reboot uint32 // tokens
	}
	opal struct{ base, entry uint64 }
}

// noToken stands for a service that is not there.
const noToken uint32 = 1<<32 - 1

// readPAPR fills p.
func readPAPR(tree fdt.Tree, p *papr) {
	*p = papr{}
	w := tree.Walk()
	for n, ok := w.Next(); ok; n, ok = w.Next() {
		if !n.Compatible("hvterm1") || !n.Enabled() {
			continue
		}
		if unit, ok := n.Uint("reg"); ok {
			p.addVTY(uint32(unit))
		}
	}
	p.rtas.powerOff, p.rtas.reboot = noToken, noToken
	if n, ok := tree.Find("/rtas"); ok {
		p.rtas.base, _ = n.Uint("linux,rtas-base")
		p.rtas.entry, _ = n.Uint("linux,rtas-entry")
		p.rtas.powerOff = token(n, "power-off")
		p.rtas.reboot = token(n, "system-reboot")
	}
	if n, ok := tree.Find("/ibm,opal"); ok {
		p.opal.base, _ = n.Uint("opal-base-address")
		p.opal.entry, _ = n.Uint("opal-entry-address")
	}
}

// addVTY keeps the lowest numbers.
func (p *papr) addVTY(unit uint32) {
	for i := range p.vty {
		if i == p.vtys {
			p.vty[i] = unit
			p.vtys++
			return
		}
		if unit < p.vty[i] {
			unit, p.vty[i] = p.vty[i], unit
		}
	}
}

func token(n fdt.Node, name string) uint32 {
	v, ok := n.Uint(name)
	if !ok {
		return noToken
	}
	return uint32(v)
}
