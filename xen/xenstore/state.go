package xenstore

import (
	"errors"
	"fmt"
	"time"

	"pvboot/internal/shm"
)

// connectionError reads the daemon's word about why it stopped serving the
// ring (xenstore-ring.txt, "The connection error feature").
func connectionError(page []byte) error {
	if shm.Load(page, offFeatures)&FeatureError == 0 {
		return nil
	}
	switch code := shm.Load(page, offError); code {
	case 0:
		return nil
	case 1:
		return errors.New("xenstore: daemon gave up: communication problem")
	case 2:
		return errors.New("xenstore: daemon gave up: invalid ring index")
	case 3:
		return errors.New("xenstore: daemon gave up: protocol violation")
	default:
		return fmt.Errorf("xenstore: daemon gave up: error %d", code)
	}
}

// canReconnect tells whether the daemon offers to reset the ring.
func canReconnect(page []byte) bool { return shm.Load(page, offFeatures)&FeatureReconnect != 0 }

// reconnectRing asks the daemon to reset the ring and waits until it has:
// queues empty, no request, watch or transaction left (xenstore-ring.txt, "The
// ring reconnection feature").
func reconnectRing(t Transport, limit time.Duration) error {
	shm.Store(t.Page, offConnect, reconnect)
	if err := t.Notify(); err != nil {
		return fmt.Errorf("xenstore: reconnect: %w", err)
	}
	return awaitConnected(t, limit)
}

// awaitConnected waits for a reconnection that is under way, which a domain
// may find when it starts.
func awaitConnected(t Transport, limit time.Duration) error {
	err := t.Wait(limit, func() bool { return shm.Load(t.Page, offConnect) == connected })
	if err != nil {
		return fmt.Errorf("xenstore: reconnect: connection state %d: %w", shm.Load(t.Page, offConnect), err)
	}
	return nil
}
