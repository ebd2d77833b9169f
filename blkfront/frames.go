package blkfront

import (
	"errors"
	"fmt"

	"pvboot/blkfront/blkif"
)

// memory is what the queue needs of xen.Platform.
type memory interface {
	AllocFrames(n int) ([]byte, error)
	FreeFrames(frames []byte)
	GFN(p []byte) (gfn uint64, ok bool)
}

// framesPerChunk is how many bounce frames are allocated at a time.
const framesPerChunk = 32

// A framePool hands out single frames for what cannot be granted where it
// lies. It grows by chunks up to a limit.
type framePool struct {
	mem    memory
	limit  int // in frames
	chunks [][]byte
	free   [][]byte
}

// get returns a frame; its contents are left from earlier use.
func (p *framePool) get() ([]byte, error) {
	if len(p.free) == 0 {
		if (len(p.chunks)+1)*framesPerChunk > p.limit {
			return nil, fmt.Errorf("all %d bounce frames in use", p.limit)
		}
		chunk, err := p.mem.AllocFrames(framesPerChunk)
		if err != nil {
			return nil, err
		}
		p.chunks = append(p.chunks, chunk)
		for i := range framesPerChunk {
			p.free = append(p.free, chunk[i*blkif.PageSize:(i+1)*blkif.PageSize])
		}
	}
	f := p.free[len(p.free)-1]
	p.free = p.free[:len(p.free)-1]
	return f, nil
}

func (p *framePool) put(f []byte) { p.free = append(p.free, f) }

// trim gives all chunks but one back when no frame is in use.
func (p *framePool) trim() {
	if len(p.chunks) < 2 || len(p.free) != len(p.chunks)*framesPerChunk {
		return
	}
	for _, c := range p.chunks[1:] {
		p.mem.FreeFrames(c)
	}
	p.chunks = p.chunks[:1]
	p.free = p.free[:0]
	for i := range framesPerChunk {
		p.free = append(p.free, p.chunks[0][i*blkif.PageSize:(i+1)*blkif.PageSize])
	}
}

// keptFrames are the frames of persistent grants, one for each reference of the
// queue. A frame is allocated and granted when its reference is first used, and
// stays granted until the device is closed.
type keptFrames struct {
	mem     memory
	chunks  [][]byte
	granted []bool // by reference
}

func newKeptFrames(mem memory, refs int) *keptFrames {
	return &keptFrames{
		mem: mem, granted: make([]bool, refs),
		chunks: make([][]byte, (refs+framesPerChunk-1)/framesPerChunk),
	}
}

// frame returns the frame of reference i, granted.
func (k *keptFrames) frame(i int, grants granter) ([]byte, error) {
	chunk := &k.chunks[i/framesPerChunk]
	if *chunk == nil {
		var err error
		if *chunk, err = k.mem.AllocFrames(framesPerChunk); err != nil {
			return nil, err
		}
	}
	at := i % framesPerChunk * blkif.PageSize
	f := (*chunk)[at : at+blkif.PageSize]
	if k.granted[i] {
		return f, nil
	}
	gfn, ok := k.mem.GFN(f)
	if !ok {
		return nil, errors.New("frame cannot be granted")
	}
	if err := grants.Permit(i, gfn, false); err != nil {
		return nil, err
	}
	k.granted[i] = true
	return f, nil
}

// close gives all frames back. No backend may have access any more.
func (k *keptFrames) close() {
	for _, c := range k.chunks {
		if c != nil {
			k.mem.FreeFrames(c)
		}
	}
	k.chunks, k.granted = nil, nil
}

// close gives all frames back. No backend may have access any more.
func (p *framePool) close() {
	for _, c := range p.chunks {
		p.mem.FreeFrames(c)
	}
	p.chunks, p.free = nil, nil
}
