// Probe says what a guest finds on real Xen, and fails when that is not right.
package main

import (
	"fmt"
	"os"
	"time"

	"pvboot/guest"
	"pvboot/hypercall"
)

func main() {
	begin := time.Now()
	fmt.Printf("main began %v after the clock\n", time.Duration(begin.UnixNano()))
	p := guest.Platform()
	start := guest.Start()
	fmt.Printf("command line %q rsdp %#x modules %v\n", start.CmdLine, start.RSDP, start.Modules)
	for _, r := range start.Memory {
		fmt.Printf("memory %#x-%#x type %d\n", r.Start, r.End(), r.Type)
	}
	for _, r := range guest.Own() {
		fmt.Printf("own    %#x-%#x\n", r.Start, r.End())
	}
	for _, r := range guest.Free() {
		fmt.Printf("free   %#x-%#x\n", r.Start, r.End())
	}
	gfn, err := p.Hole(4)
	fmt.Printf("hole %#x %v\n", gfn, err)

	check("sleep", sleep(p))
	check("system time", systemTime(p))
	fmt.Printf("PROBE-OK after %v\n", time.Since(begin))
}

func check(what string, err error) {
	if err != nil {
		fmt.Printf("PROBE-FAILED %s: %v\n", what, err)
		os.Exit(1)
	}
}

// sleep checks that a sleeping guest is blocked, by Xen's own account.
func sleep(p *guest.Guest) error {
	before, err := hypercall.VCPURunstate(p, 0)
	if err != nil {
		return err
	}
	begin := time.Now()
	for range 100 {
		time.Sleep(2 * time.Millisecond)
	}
	took := time.Since(begin)
	after, err := hypercall.VCPURunstate(p, 0)
	if err != nil {
		return err
	}
	blocked := time.Duration(after.Time[2] - before.Time[2])
	running := time.Duration(after.Time[0] - before.Time[0])
	fmt.Printf("100 sleeps of 2 ms took %v: blocked %v, running %v\n", took, blocked, running)
	if took < 200*time.Millisecond {
		return fmt.Errorf("took %v", took)
	}
	if blocked < 20*time.Millisecond { // one that spins is never blocked
		return fmt.Errorf("blocked for %v of %v", blocked, took)
	}
	begin = time.Now()
	for range 100 {
		time.Sleep(100 * time.Microsecond)
	}
	fmt.Printf("100 sleeps of 100 µs took %v\n", time.Since(begin))
	return nil
}

// systemTime checks that Xen's clock and the program's run alike.
func systemTime(p *guest.Guest) error {
	x0, t0 := p.SystemTime(), time.Now()
	deadline := x0 + 50e6
	if err := hypercall.SchedPoll(p, nil, uint64(deadline)); err != nil {
		return err
	}
	x1, t1 := p.SystemTime(), time.Now()
	xen, own := time.Duration(x1-x0), t1.Sub(t0)
	fmt.Printf("system time %v: a poll for 50 ms took %v by Xen's clock, %v by the program's, woke %v late\n",
		time.Duration(x0), xen, own, time.Duration(x1-deadline))
	if x1 < deadline-1e6 {
		return fmt.Errorf("woke %v before the deadline", time.Duration(deadline-x1))
	}
	if diff := (xen - own).Abs(); diff > 5*time.Millisecond {
		return fmt.Errorf("the clocks differ by %v", diff)
	}
	return nil
}
