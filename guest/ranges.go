package guest

// maxRanges bounds lists that are made before there is a heap. A PVH domain's
// memory map has about six entries, QEMU's about ten.
const maxRanges = 128

// ranges is a list of ranges without allocation.
type ranges struct {
	n int
	r [maxRanges]Range
}

// list returns the ranges, valid until the next change.
func (l *ranges) list() []Range { return l.r[:l.n] }

// add appends a range. Empty ones, those that wrap around and those beyond
// the list's room are dropped; it reports the last.
func (l *ranges) add(r Range) bool {
	if r.Size == 0 || r.Start+r.Size < r.Start {
		return true
	}
	if l.n == len(l.r) {
		return false
	}
	l.r[l.n] = r
	l.n++
	return true
}

// sort sorts by start.
func (l *ranges) sort() {
	for i := 1; i < l.n; i++ {
		for j := i; j > 0 && l.r[j].Start < l.r[j-1].Start; j-- {
			l.r[j], l.r[j-1] = l.r[j-1], l.r[j]
		}
	}
}

// hold reports whether the ranges, sorted, have all of r.
func (l *ranges) hold(r Range) bool {
	at := r.Start
	for _, o := range l.list() {
		if o.Start <= at && at < o.End() {
			at = o.End()
		}
	}
	return at >= r.End()
}

// cut takes [start, end) out of every range.
func (l *ranges) cut(start, end uint64) {
	if start >= end {
		return
	}
	old := *l
	l.n = 0
	for _, r := range old.list() {
		if r.End() <= start || end <= r.Start {
			l.add(r)
			continue
		}
		if r.Start < start {
			l.add(Range{r.Start, start - r.Start, r.Type})
		}
		if end < r.End() {
			l.add(Range{end, r.End() - end, r.Type})
		}
	}
}

// size is the number of bytes in all ranges.
func (l *ranges) size() (n uint64) {
	for _, r := range l.list() {
		n += r.Size
	}
	return n
}

// usable copies the whole pages of RAM, from page 1 on and below limit, that
// no other kind of range touches.
func (l *ranges) usable(dst *ranges, limit uint64) {
	dst.n = 0
	for _, r := range l.list() {
		first, end := (r.Start+pageSize-1)&^(pageSize-1), min(r.End(), limit)&^(pageSize-1)
		first = max(first, pageSize)
		if r.Type == RAM && first < end {
			dst.add(Range{first, end - first, RAM})
		}
	}
	for _, r := range l.list() {
		if r.Type != RAM {
			dst.cut(r.Start&^(pageSize-1), (r.End()+pageSize-1)&^(pageSize-1))
		}
	}
}

// text is a string without allocation.
type text struct {
	n int
	b [4096]byte
}

func (t *text) bytes() []byte { return t.b[:t.n] }
