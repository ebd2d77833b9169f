package xenstore

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// ErrConflict says that a transaction's commit was refused because others
// changed what it read or wrote.
var ErrConflict = errors.New("transaction conflict")

// Tx is a transaction: its changes are seen by others all at once, or not at
// all.
type Tx struct {
	ops
	id uint32

	mu   sync.Mutex
	done bool
}

// Begin starts a transaction, which Commit or Close ends.
func (c *Client) Begin() (*Tx, error) {
	b, err := c.talk(TypeTransactionStart, 0, "", []byte{0})
	if err != nil {
		return nil, err
	}
	id, err := strconv.ParseUint(strings.TrimSuffix(string(b), "\x00"), 10, 32)
	if err != nil || id == 0 {
		return nil, &Error{Op: TypeTransactionStart, Err: fmt.Errorf("transaction id %.16q", b)}
	}
	t := &Tx{id: uint32(id)}
	t.ops = ops{c: c, tx: t}
	c.mu.Lock()
	c.txs++
	c.mu.Unlock()
	return t, nil
}

// Commit makes the changes visible. An error that wraps [ErrConflict] says
// that none of them was made and that the work is worth trying again.
func (t *Tx) Commit() error {
	err := t.end("T\x00")
	if errors.Is(err, EAGAIN) {
		return fmt.Errorf("%w: %w", ErrConflict, err)
	}
	return err
}

// Close drops the changes, unless Commit was called before.
func (t *Tx) Close() error {
	err := t.end("F\x00")
	if errors.Is(err, ErrClosed) {
		return nil
	}
	return err
}

func (t *Tx) end(how string) error {
	t.mu.Lock()
	done := t.done
	t.done = true
	t.mu.Unlock()
	if done {
		return &Error{Op: TypeTransactionEnd, Err: ErrClosed}
	}
	_, err := t.c.talk(TypeTransactionEnd, t.id, "", []byte(how))
	var code Errno
	if err == nil || errors.As(err, &code) {
		t.c.mu.Lock()
		if t.c.txs > 0 {
			t.c.txs--
		}
		t.c.mu.Unlock()
	}
	return err
}

func (t *Tx) isDone() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.done
}

// maxConflicts is how often Update tries.
const maxConflicts = 100

// Update runs change in a transaction and commits it, again when others got in
// between, up to a hundred times. An error of change drops the transaction and
// is returned as it is.
func (c *Client) Update(change func(tx *Tx) error) error {
	for try := 1; ; try++ {
		tx, err := c.Begin()
		if err != nil {
			return err
		}
		if err := change(tx); err != nil {
			return also(err, tx.Close())
		}
		err = tx.Commit()
		if !errors.Is(err, ErrConflict) || try == maxConflicts {
			return err
		}
	}
}
