package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pvboot/internal/xenhost/wire"
)

// How long a boot with less memory may take: so many times as long as the
// longest that passed, and so much more.
const (
	patienceTimes = 2
	patienceMore  = 10 * time.Second
)

// findSmallest finds the smallest memory with which all that is expected is
// seen, by halving the distance between one that is enough and one that is not.
// Only the report of the boot with that memory is kept.
func (s *session) findSmallest(ctx context.Context, timeout <-chan time.Time) error {
	enough, tooSmall := s.memory, 0
	start := time.Now()
	if err := s.bootOnce(ctx, timeout, variant{memory: enough}, false); err != nil {
		return err
	}
	longest := time.Since(start)
	best := s.reports[len(s.reports)-1]
	for enough-tooSmall > s.smallest {
		try := tooSmall + (enough-tooSmall)/2
		start := time.Now()
		passed, err := s.try(ctx, timeout, try, patienceTimes*longest+patienceMore)
		if err != nil {
			return fmt.Errorf("with %d MiB: %w", try, err)
		}
		if !passed {
			tooSmall = try
			continue
		}
		enough, best = try, s.reports[len(s.reports)-1]
		longest = max(longest, time.Since(start))
	}
	best.Memory = enough
	s.reports = []report{best}
	_, err := fmt.Fprintf(s.out, "\nsmallest memory: %d MiB\n", enough)
	return err
}

// try says whether a boot with so much memory passes within a time. An error
// means that there is no more to try.
func (s *session) try(ctx context.Context, timeout <-chan time.Time, memory int, patience time.Duration) (bool, error) {
	limited, cancel := context.WithTimeoutCause(ctx, patience, errPatience)
	defer cancel()
	err := s.bootOnce(limited, timeout, variant{memory: memory}, false)
	var failed *bootError
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &failed):
		return false, nil // and gone
	case !errors.Is(err, errPatience):
		return false, err
	}
	if err := s.host.Destroy(); err != nil {
		return false, err
	}
	for {
		event, err := s.next(ctx, timeout)
		if err != nil || event.Kind == wire.Ended {
			return false, err
		}
	}
}
