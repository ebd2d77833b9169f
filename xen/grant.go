package xen

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrGrantInUse says that the other domain still maps or copies a granted
// frame, so that the frame must not be used for anything else.
var ErrGrantInUse = errors.New("grant still in use by the other domain")

// grantEndLimit is how long [Grants.Close] waits for the other domain where
// Limits do not say.
const grantEndLimit = 2 * time.Second

// Grants is a set of grant references, each of which gives one domain access
// to one frame at a time. References are taken from the table once, and then
// permit and end access as often as wanted, without a hypercall.
//
// Permit and End of different indexes may run at once.
type Grants struct {
	d    *Domain
	dom  DomID
	refs []Ref

	mu     sync.Mutex
	closed bool
}

// AllocGrants takes n free references for access by domain remote. The grant
// table grows where it must and can.
func (d *Domain) AllocGrants(remote DomID, n int) (*Grants, error) {
	if d.isClosed() {
		return nil, fmt.Errorf("xen: grants: %w", ErrClosed)
	}
	refs, err := d.grants.alloc(n)
	if err != nil {
		return nil, fmt.Errorf("xen: %d grants: %w", n, err)
	}
	g := &Grants{d: d, dom: remote, refs: refs}
	d.Register(g)
	return g, nil
}

// GrantPages grants all pages of frames, which AllocFrames made, to domain
// remote: what a ring needs. Reference i is page i's.
func (d *Domain) GrantPages(remote DomID, frames []byte, readOnly bool) (*Grants, error) {
	n := len(frames) / PageSize
	g, err := d.AllocGrants(remote, n)
	if err != nil {
		return nil, err
	}
	for i := range n {
		gfn, ok := d.p.GFN(frames[i*PageSize:])
		if !ok {
			err = fmt.Errorf("xen: grants: page %d cannot be granted", i)
			return nil, also(err, g.Close())
		}
		if err := g.Permit(i, gfn, readOnly); err != nil {
			return nil, also(err, g.Close())
		}
	}
	return g, nil
}

// Len returns the number of references.
func (g *Grants) Len() int { return len(g.refs) }

// Ref returns reference i, to be told to the other domain.
func (g *Grants) Ref(i int) Ref { return g.refs[i] }

// Permit lets the other domain access frame gfn through reference i, which
// must not be in use.
func (g *Grants) Permit(i int, gfn uint64, readOnly bool) error {
	return g.d.grants.permit(g.refs[i], g.dom, gfn, readOnly)
}

// End takes access through reference i back. It does not wait: while the
// other domain has the frame mapped the error wraps [ErrGrantInUse], access
// goes on and the frame must be kept. An unused reference is no error.
func (g *Grants) End(i int) error { return g.d.grants.end(g.refs[i]) }

// Close ends all access and gives the references back, waiting for the
// other domain as [Limits] say. References that stay in use are kept, and
// [Domain.Close] tells of them too. A second Close tries again.
func (g *Grants) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	var inUse error
	err := g.d.Wait(g.d.limits.Grant, func() bool {
		inUse = nil
		for i := range g.refs {
			if err := g.End(i); err != nil {
				inUse = err
				return false
			}
		}
		return true
	})
	if err != nil {
		if inUse == nil {
			return err
		}
		return fmt.Errorf("%w: %w", inUse, err)
	}
	g.closed = true
	g.d.grants.free(g.refs)
	g.d.Unregister(g)
	return nil
}

// String names the set.
func (g *Grants) String() string {
	if len(g.refs) == 1 {
		return fmt.Sprintf("grant %d to domain %d", g.refs[0], g.dom)
	}
	return fmt.Sprintf("%d grants to domain %d", len(g.refs), g.dom)
}
