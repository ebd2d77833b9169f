package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
)

// rig runs the rig and returns what the domains printed.
func (b *bench) rig(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, b.path("rig"), args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		// What the domain said last tells more than the rig's own line.
		err = fmt.Errorf("rig: %w: %s\n%s", err, bytes.TrimSpace(stderr.Bytes()), out[max(0, len(out)-1000):])
	}
	return out, err
}

// report is what rig boot -json writes.
type report struct {
	Create    *float64   `json:"create"`
	FirstByte *float64   `json:"first_byte"`
	Menu      *float64   `json:"menu"`
	Kernel    *float64   `json:"kernel"`
	Expect    []*float64 `json:"expect"`
}

// boot boots a disk, and one time more than is measured: the first domain of
// a Xen takes longer to create.
func (b *bench) boot(ctx context.Context, disk string, args ...string) ([]report, []byte, error) {
	args = append([]string{"boot", "-arch", b.arch, "-mode", b.mode, "-xen", b.xen, "-timeout", "60m", "-rest", "5s", "-boots", strconv.Itoa(b.boots + 1), "-json", b.path("times")}, args...)
	out, err := b.rig(ctx, append(args, b.path(disk))...)
	if err != nil {
		return nil, nil, err
	}
	data, err := os.ReadFile(b.path("times"))
	if err != nil {
		return nil, nil, err
	}
	var reports []report
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		var r report
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, nil, err
		}
		reports = append(reports, r)
	}
	if len(reports) != b.boots+1 {
		return nil, nil, fmt.Errorf("%d reports of %d boots", len(reports), b.boots+1)
	}
	return reports[1:], out, nil
}

// median of one time of all reports; 0 when one of them lacks it.
func median(reports []report, time func(report) *float64) float64 {
	var times []float64
	for _, r := range reports {
		t := time(r)
		if t == nil {
			return 0
		}
		times = append(times, *t)
	}
	return middle(times)
}

func middle(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return (v[len(v)/2] + v[(len(v)-1)/2]) / 2
}

// between is the median time from one expectation to a later one.
func between(reports []report, from, to int) float64 {
	return median(reports, func(r report) *float64 {
		if r.Expect[from] == nil || r.Expect[to] == nil {
			return nil
		}
		d := *r.Expect[to] - *r.Expect[from]
		return &d
	})
}
