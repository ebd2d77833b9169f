package blkfront

import (
	"fmt"
	"time"

	"pvboot/xen/xenbus"
)

// drainLimit is how long Close waits for answers to requests that were given
// up.
const drainLimit = 2 * time.Second

// Close waits for the operations under way, leaves the backend and gives
// everything back, so that the next kernel can connect to the vbd. Each step
// has a time limit. An error says what the backend still holds: the next
// kernel must not be started then. A second Close tries again.
func (dev *Device) Close() error {
	dev.stop()
	<-dev.opened // each step of Open has a time limit
	if err := dev.shut(); err != nil {
		return fmt.Errorf("blkfront: %s: close: %w", dev.name, err)
	}
	return nil
}

// stop makes operations, and an Open under way, fail from now on.
func (dev *Device) stop() {
	dev.mu.Lock()
	defer dev.mu.Unlock()
	if dev.state == stateOpen {
		dev.state = stateClosing
	}
}

// shut goes through the stages of closing that are still to be done.
func (dev *Device) shut() error {
	if dev.life() < stateReleased {
		if err := dev.letGo(); err != nil {
			return err
		}
	}
	if dev.life() == stateReleased {
		if err := dev.bus.Reset(dev.opt.Handshake, dev.publishedKeys(1<<dev.terms.order)...); err != nil {
			return err
		}
		dev.setLife(stateClosed)
	}
	if err := dev.exposed(); err != nil {
		return err
	}
	dev.d.Unregister(dev)
	return nil
}

// letGo makes the backend let go and gives everything back.
func (dev *Device) letGo() error {
	next := stateClosed
	if dev.published {
		if err := dev.drain(); err != nil {
			return err
		}
		gone, err := dev.hangUp()
		if err != nil {
			return err
		}
		if !gone {
			next = stateReleased
		}
	}
	if err := dev.release(); err != nil {
		return err
	}
	dev.setLife(next)
	return nil
}

// exposed tells of memory that nobody can answer for any more.
func (dev *Device) exposed() error {
	dev.mu.Lock()
	defer dev.mu.Unlock()
	if dev.q == nil {
		return nil
	}
	return dev.q.exposed
}

func (dev *Device) life() lifeState {
	dev.mu.Lock()
	defer dev.mu.Unlock()
	return dev.state
}

func (dev *Device) setLife(s lifeState) {
	dev.mu.Lock()
	defer dev.mu.Unlock()
	dev.state = s
}

// drain waits for operations under way, which have time limits of their own,
// and then a while for late answers.
func (dev *Device) drain() error {
	err := dev.d.Wait(2*dev.opt.Timeout+drainLimit, func() bool {
		dev.mu.Lock()
		defer dev.mu.Unlock()
		return dev.users == 0
	})
	if err != nil {
		return fmt.Errorf("operations under way: %w", err)
	}
	// What is lost after this is for hangUp: the backend ends its requests
	// before it closes.
	_ = dev.d.Wait(min(drainLimit, dev.opt.Timeout), func() bool {
		dev.mu.Lock()
		defer dev.mu.Unlock()
		dev.q.reap()
		return dev.q.stats.Lost == 0 || dev.q.fault != nil
	})
	return nil
}

// hangUp makes the backend close. gone says that there is no backend any more
// and no later one to prepare for: the device was detached.
func (dev *Device) hangUp() (gone bool, err error) {
	s, err := dev.bus.BackendState()
	switch {
	case err != nil:
		return false, err
	case s == xenbus.Unknown:
		return true, nil
	case s == xenbus.Closed:
		// Nothing would make us wait between Closing and what comes after
		// it, and a backend that looks in just then would go back to
		// Closing and stay there.
		return false, dev.bus.SetState(xenbus.Closed)
	}
	return false, dev.bus.Disconnect(dev.opt.Handshake)
}

// release ends the backend's access and gives memory, references and port
// back. Memory that the backend does not let go of is kept.
func (dev *Device) release() error {
	m := &dev.mem
	if m.data != nil {
		if err := m.data.Close(); err != nil {
			return fmt.Errorf("pages of requests: %w", err)
		}
		m.data = nil
	}
	dev.mu.Lock()
	if dev.q != nil {
		dev.q.close()
	}
	dev.mu.Unlock()
	if dev.cache != nil {
		dev.cache.close()
	}
	if err := dev.unshare(&m.tables); err != nil {
		return fmt.Errorf("segment tables: %w", err)
	}
	if err := dev.unshare(&m.ring); err != nil {
		return fmt.Errorf("ring: %w", err)
	}
	if dev.port != nil {
		if err := dev.port.Close(); err != nil {
			return err
		}
	}
	return nil
}

// unshare is the opposite of share.
func (dev *Device) unshare(s *sharedPages) error {
	if s.grants == nil {
		return nil
	}
	if err := s.grants.Close(); err != nil {
		return err
	}
	dev.d.Platform().FreeFrames(s.frames)
	*s = sharedPages{}
	return nil
}
