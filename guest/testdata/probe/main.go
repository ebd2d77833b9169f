// Probe says what a guest finds on real Xen, and fails when that is not right.
package main

import (
	"fmt"
	"os"
	"time"

	"pvboot/console"
	"pvboot/guest"
	"pvboot/xen"
)

func main() {
	begin := time.Now()
	if domain, err := xen.New(guest.Platform()); err == nil {
		con, err := console.Open(domain)
		check("console", err)
		guest.SetConsole(con.Raw())
		defer con.Close()
	}
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
	check("nap", nap(p))
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
	before, err := runstate(p)
	if err != nil {
		return err
	}
	begin := time.Now()
	for range 100 {
		time.Sleep(2 * time.Millisecond)
	}
	took := time.Since(begin)
	after, err := runstate(p)
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

// nap checks that a single sleep of the virtual processor lasts as long as it
// should by the program's clock, and blocks it.
func nap(p *guest.Guest) error {
	const want = 50 * time.Millisecond
	before, err := runstate(p)
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := p.Sleep(want); err != nil {
		return err
	}
	took := time.Since(begin)
	after, err := runstate(p)
	if err != nil {
		return err
	}
	blocked := time.Duration(after.Time[2] - before.Time[2])
	fmt.Printf("one sleep of %v took %v: blocked %v\n", want, took, blocked)
	if took < want-time.Millisecond {
		return fmt.Errorf("took %v, want %v", took, want)
	}
	if blocked < want/10 {
		return fmt.Errorf("blocked for %v of %v", blocked, took)
	}
	return nil
}
