package grub

// open opens a context: a copy of the variables and an empty menu.
func (in *Interp) open() error {
	if len(in.outer) >= maxContexts {
		return Errorf(RecursionDepth, "menus are nested deeper than %d levels", maxContexts)
	}
	in.outer = append(in.outer, outer{in.env, in.menu, in.tree})
	in.env, in.menu = in.env.clone(), new(Menu)
	return nil
}

// close goes back to the context that open left.
func (in *Interp) close() {
	last := len(in.outer) - 1
	in.env, in.menu, in.tree = in.outer[last].env, in.outer[last].menu, in.outer[last].tree
	in.outer = in.outer[:last]
}

// showMenu has the host show the current context's menu. The script waits;
// what the user runs there has loops, parameters and limits of its own.
func (in *Interp) showMenu(auto bool) error {
	scope, flow, depth, steps, runs := in.scope, in.flow, in.depth, in.steps, in.runs
	in.scope, in.runs = nil, 0
	err := in.host.ShowMenu(in.ctx, in.menu, auto)
	in.scope, in.flow, in.depth, in.steps, in.runs = scope, flow, depth, steps, runs
	in.stop = nil
	in.Unload() // what was loaded there is not this script's to boot
	return err
}
