package blkif

// A BackRing is the backend's end of a ring. It is not safe for concurrent
// use.
type BackRing struct{ ring }

// NewBackRing attaches to a ring that a frontend initialised in pages
// (BACK_RING_INIT).
func NewBackRing(pages ...[]byte) (*BackRing, error) {
	r, err := newRing(pages)
	if err != nil {
		return nil, err
	}
	return &BackRing{r}, nil
}

// Take returns the next request as it lies in the ring, false when none
// waits. It fails with an [IndexError] when the frontend claims more requests
// than the ring has room for.
func (b *BackRing) Take() (Entry, bool, error) {
	var e Entry
	prod := b.load(offReqProd)
	// The frontend may have at most size requests beyond the last response.
	if n, most := prod-b.cons, b.size-(b.cons-b.prod); n > most {
		return e, false, &IndexError{Index: "req_prod", Value: prod, Last: b.cons, Most: most}
	}
	if prod == b.cons {
		return e, false, nil
	}
	b.read(b.cons, e[:])
	b.cons++
	return e, true, nil
}

// Put writes a response into the next entry; the frontend sees it after Push.
// It does not check that a request was taken: a backend under test may
// misbehave.
func (b *BackRing) Put(r Response) {
	var e [ResponseSize]byte
	r.Encode(&e)
	b.write(b.prod, e[:])
	b.prod++
}

// Push shows the frontend all responses put so far and reports whether it
// asked to be notified.
func (b *BackRing) Push() (notify bool) { return b.publish(offRspProd, offRspEvent) }

// SetResponseProducer moves rsp_prod as a broken backend would.
func (b *BackRing) SetResponseProducer(v uint32) { b.store(offRspProd, v) }

// Sleep asks for a notification at the next request and reports whether none
// came meanwhile (RING_FINAL_CHECK_FOR_REQUESTS).
func (b *BackRing) Sleep() bool {
	b.store(offReqEvent, b.cons+1)
	return b.load(offReqProd) == b.cons
}
