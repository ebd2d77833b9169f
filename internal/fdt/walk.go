package fdt

// Walker goes through all nodes of a tree once, each before its children, in
// the tree's order:
//
//	w := tree.Walk()
//	for n, ok := w.Next(); ok; n, ok = w.Next() {
type Walker struct {
	blocks
	at    int              // what to look at next
	depth int              // nodes that are open at this place
	open  [MaxDepth]uint32 // where they begin
	cells [MaxDepth]walkedCells
}

// walkedCells are the Cells of an open node, once somebody has asked.
type walkedCells struct {
	known         bool
	address, size uint8 // at most maxCells
}

// Walk begins at the root.
func (t Tree) Walk() Walker { return Walker{blocks: t.blocks} }

// Next is the next node, false after the last one.
func (w *Walker) Next() (Node, bool) {
	for {
		token, next := w.step(w.at)
		switch token {
		case tokenBegin:
			if w.depth == MaxDepth {
				return Node{}, false
			}
			n := Node{w.blocks, w.at}
			w.open[w.depth] = uint32(w.at)
			w.cells[w.depth].known = false
			w.depth++
			w.at = next
			return n, true
		case tokenEnd:
			if w.depth == 0 {
				return Node{}, false
			}
			w.depth--
		case tokenProp, tokenNOP:
		default:
			return Node{}, false
		}
		w.at = next
	}
}

// Depth is how many nodes the node that Next returned last lies within: 0 for
// the root.
func (w *Walker) Depth() int { return w.depth - 1 }

// Parent is the parent of the node that Next returned last; false for the
// root.
func (w *Walker) Parent() (Node, bool) {
	if w.depth < 2 {
		return Node{}, false
	}
	return Node{w.blocks, int(w.open[w.depth-2])}, true
}

// Cells are those of the reg property of the node that Next returned last, as
// its parent has them; the specification's default for the root. Parents are
// looked into once, so that a long one with many children costs no more.
func (w *Walker) Cells() Cells {
	parent, ok := w.Parent()
	if !ok {
		return parent.Cells()
	}
	c := &w.cells[w.depth-2]
	if !c.known {
		cells := parent.Cells()
		*c = walkedCells{true, uint8(cells.Address), uint8(cells.Size)}
	}
	return Cells{int(c.address), int(c.size)}
}
