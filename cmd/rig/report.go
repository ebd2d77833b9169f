package main

import "time"

// report is what -json writes about one boot. Times are in seconds: create is
// how long xl create -p took, the others are counted from xl unpause; they are
// null for what was not seen.
type report struct {
	Loader    string     `json:"loader"`
	Arch      string     `json:"arch"`
	Mode      string     `json:"mode"`
	Xen       string     `json:"xen"`
	Each      string     `json:"each,omitempty"`
	Memory    int        `json:"memory,omitempty"` // MiB, what -smallest has found
	Create    *float64   `json:"create"`
	FirstByte *float64   `json:"first_byte"`
	Menu      *float64   `json:"menu"`
	Kernel    *float64   `json:"kernel"`
	Expect    []*float64 `json:"expect"`
}

func (w *watcher) report() report {
	r := report{
		Loader: w.loader, Arch: w.arch, Mode: w.mode, Xen: w.xen, Each: w.variant.each,
		Create:    seconds(w.creating, w.created),
		FirstByte: seconds(w.unpaused, w.firstByte),
		Menu:      seconds(w.unpaused, first(w.menu.Seen())),
		Kernel:    seconds(w.unpaused, first(w.kernel.Seen())),
		Expect:    []*float64{},
	}
	for i := range w.options.expects {
		var seen time.Time
		if i < len(w.expects.Seen()) {
			seen = w.expects.Seen()[i]
		}
		r.Expect = append(r.Expect, seconds(w.unpaused, seen))
	}
	return r
}

func first(times []time.Time) time.Time {
	if len(times) == 0 {
		return time.Time{}
	}
	return times[0]
}

// seconds returns the time between two moments, in milliseconds' precision,
// and nil when one of them did not come.
func seconds(from, to time.Time) *float64 {
	if from.IsZero() || to.IsZero() {
		return nil
	}
	s := float64(to.Sub(from).Milliseconds()) / 1000
	return &s
}
