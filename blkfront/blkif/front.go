package blkif

import "slices"

// A FrontRing is the frontend's end of a ring. It is not safe for concurrent
// use.
type FrontRing struct{ ring }

// NewFrontRing initialises the shared ring in mem, one page or a power of two
// of them (SHARED_RING_INIT, FRONT_RING_INIT). It asks the backend for no
// notifications: a guest without upcalls looks at the ring by itself.
func NewFrontRing(mem []byte) (*FrontRing, error) {
	r, err := newRing(slices.Collect(slices.Chunk(mem, PageSize)))
	if err != nil {
		return nil, err
	}
	clear(mem)
	r.store(offReqEvent, 1)
	return &FrontRing{r}, nil
}

// InFlight is the number of requests pushed or put and not yet answered.
func (f *FrontRing) InFlight() int { return int(f.prod - f.cons) }

// Free is the number of entries that can be put.
func (f *FrontRing) Free() int { return int(f.size) - f.InFlight() }

// Put writes a request into the next entry; the backend sees it after Push.
func (f *FrontRing) Put(r *Request) error {
	if f.Free() == 0 {
		return ErrFull
	}
	var e Entry
	r.Encode(&e)
	f.write(f.prod, e[:])
	f.prod++
	return nil
}

// Push shows the backend all requests put so far and reports whether it must
// be notified.
func (f *FrontRing) Push() (notify bool) {
	return f.pushed != f.prod && f.publish(offReqProd, offReqEvent)
}

// Pending is the number of responses that wait. It fails with an [IndexError]
// when the backend claims more responses than there are requests in flight.
func (f *FrontRing) Pending() (int, error) {
	prod := f.load(offRspProd)
	if n, most := prod-f.cons, f.pushed-f.cons; n > most {
		return 0, &IndexError{Index: "rsp_prod", Value: prod, Last: f.cons, Most: most}
	}
	return int(prod - f.cons), nil
}

// Take returns the next response, false when none waits.
func (f *FrontRing) Take() (Response, bool, error) {
	n, err := f.Pending()
	if n == 0 || err != nil {
		return Response{}, false, err
	}
	var b [ResponseSize]byte
	f.read(f.cons, b[:])
	f.cons++
	// rsp_event stays behind rsp_prod, so that no notification is sent.
	f.store(offRspEvent, f.cons)
	return DecodeResponse(&b), true, nil
}
