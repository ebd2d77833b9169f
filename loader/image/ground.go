package image

// ground is the RAM of a machine, and what of it the loader does not occupy.
type ground struct{ all, beside *space }

func newGround(m Machine) *ground {
	g := &ground{newSpace(m.Memory), newSpace(m.Memory)}
	for _, r := range m.Loader {
		g.beside.take(r)
	}
	return g
}

// take removes r.
func (g *ground) take(r Range) {
	g.all.take(r)
	g.beside.take(r)
}

// find takes the place of size bytes that look finds, beside the loader first
// if beside says so.
func (g *ground) find(size uint64, beside bool, look func(*space) (uint64, error)) (addr uint64, err error) {
	if beside {
		addr, err = look(g.beside)
	}
	if !beside || err != nil {
		addr, err = look(g.all)
	}
	if err == nil {
		g.take(Range{Start: addr, Size: size})
	}
	return addr, err
}
