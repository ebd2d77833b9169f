package xenstore

// A Pair is a path and the value to be written there.
type Pair struct{ Path, Value string }

// call is a request on its way.
type call struct {
	op   Type
	path string
	id   uint32
	r    *reply
	err  error // it did not get onto the ring
}

// start puts a request on the ring without waiting for its answer.
func (c *Client) start(op Type, tx uint32, path string, body []byte) *call {
	k := &call{op: op, path: path, r: &reply{op: op}}
	k.id, k.err = c.send(k.r, Packet{Type: op, TxID: tx, Body: body})
	return k
}

// finish waits for a request's answer.
func (c *Client) finish(k *call) ([]byte, error) {
	err := k.err
	if err == nil {
		err = c.await(k.id, k.r)
	}
	if err == nil {
		err = k.r.err
	}
	if err == nil && k.r.pkt.Type == TypeError {
		err = errnoOf(k.r.pkt.Body)
	}
	if err != nil {
		return nil, &Error{Op: k.op, Path: k.path, Err: err}
	}
	return k.r.pkt.Body, nil
}

// ReadAll reads the values at all of paths. The requests go out together, so
// that it takes about as long as one Read. errs[i] tells of paths[i].
func (o ops) ReadAll(paths ...string) (values []string, errs []error) {
	bodies, errs := o.all(TypeRead, paths, func(int) string { return "" })
	values = make([]string, len(paths))
	for i, b := range bodies {
		values[i] = string(b)
	}
	return values, errs
}

// WriteAll writes all of pairs, in their order. The requests go out together.
// The error is the first one; what comes behind it was tried all the same.
func (o ops) WriteAll(pairs ...Pair) error {
	paths := make([]string, len(pairs))
	for i, p := range pairs {
		paths[i] = p.Path
	}
	_, errs := o.all(TypeWrite, paths, func(i int) string { return pairs[i].Value })
	return first(errs)
}

// RmAll removes all of paths. The requests go out together. The error is the
// first one; what comes behind it was tried all the same.
func (o ops) RmAll(paths ...string) error {
	_, errs := o.all(TypeRm, paths, func(int) string { return "" })
	return first(errs)
}

func first(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// all sends one request for each path and collects the answers.
func (o ops) all(op Type, paths []string, rest func(i int) string) (bodies [][]byte, errs []error) {
	bodies, errs = make([][]byte, len(paths)), make([]error, len(paths))
	calls := make([]*call, len(paths))
	for i, path := range paths {
		calls[i], errs[i] = o.begin(op, path, rest(i))
	}
	for i, k := range calls {
		if k != nil {
			bodies[i], errs[i] = o.c.finish(k)
		}
	}
	return bodies, errs
}
