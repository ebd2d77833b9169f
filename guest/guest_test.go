package guest_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"pvboot/guest"
)

// These tests are about the runtime as a program sees it. They pass on any
// host; `xengo test` runs them on bare metal, where they mean more.

func TestGoroutines(t *testing.T) {
	const n = 1000
	c := make(chan int)
	var wg sync.WaitGroup
	for i := range n {
		wg.Add(1)
		go func() { defer wg.Done(); runtime.Gosched(); c <- i }()
	}
	go func() { wg.Wait(); close(c) }()
	sum := 0
	for v := range c {
		sum += v
	}
	if want := n * (n - 1) / 2; sum != want {
		t.Errorf("sum = %d, want %d", sum, want)
	}
}

func TestTimers(t *testing.T) {
	begin := time.Now()
	var order []int
	var mu sync.Mutex
	done := make(chan bool)
	for i, d := range []time.Duration{9 * time.Millisecond, time.Millisecond, 100 * time.Microsecond} {
		time.AfterFunc(d, func() {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, i)
			if len(order) == 3 {
				close(done)
			}
		})
	}
	<-done
	if slept := time.Since(begin); slept < 9*time.Millisecond {
		t.Errorf("nine milliseconds took %v", slept)
	}
	tick := time.NewTicker(200 * time.Microsecond)
	defer tick.Stop()
	for range 5 {
		<-tick.C
	}
	select {
	case <-time.After(time.Millisecond):
	case <-make(chan int):
	}
}

func TestShortSleepsAreShort(t *testing.T) {
	begin := time.Now()
	for range 100 {
		time.Sleep(50 * time.Microsecond)
	}
	slept := time.Since(begin)
	if slept < 5*time.Millisecond {
		t.Errorf("100 sleeps of 50 µs took %v", slept)
	}
	t.Logf("100 sleeps of 50 µs took %v", slept)
}

func TestCollector(t *testing.T) {
	type node struct {
		next *node
		data [100]int
	}
	var kept *node
	for i := range 20000 {
		n := &node{data: [100]int{i}}
		if i%100 == 0 {
			n.next, kept = kept, n
		}
	}
	runtime.GC()
	debug.FreeOSMemory()
	want := 19900
	for n := kept; n != nil; n = n.next {
		if n.data[0] != want || n.data[99] != 0 {
			t.Fatalf("node holds %d, want %d", n.data[0], want)
		}
		want -= 100
	}
	finalized := make(chan bool, 1)
	runtime.SetFinalizer(&node{}, func(*node) { finalized <- true })
	runtime.GC()
	<-finalized
}

func TestMaps(t *testing.T) {
	m := map[string]int{}
	for i := range 10000 {
		m[fmt.Sprint(i)] = i
	}
	for i := range 5000 {
		delete(m, fmt.Sprint(i*2))
	}
	if len(m) != 5000 || m["4999"] != 4999 {
		t.Errorf("map has %d entries, m[4999] = %d", len(m), m["4999"])
	}
}

// fault runs f and returns its run-time panic.
func fault(f func()) (err runtime.Error) {
	defer func() { errors.As(asError(recover()), &err) }()
	f()
	return nil
}

func asError(v any) error {
	err, _ := v.(error)
	return err
}

var (
	nilStruct *struct{ a, b int }
	nilMap    map[int]int
	zero      int
	sink      int
)

func TestFaultsArePanics(t *testing.T) {
	for _, test := range []struct {
		name, want string
		f          func()
	}{
		{"nil read", "nil pointer dereference", func() { sink = nilStruct.b }},
		{"nil write", "nil pointer dereference", func() { nilStruct.a = 1 }},
		{"nil call", "nil pointer dereference", func() { var f func(); f() }},
		{"nil map", "assignment to entry in nil map", func() { nilMap[1] = 1 }},
		{"divide", "integer divide by zero", func() { sink = 1 / zero }},
		{"index", "index out of range", func() { sink = make([]int, 1)[zero+1] }},
	} {
		t.Run(test.name, func(t *testing.T) {
			for range 3 { // the state must be whole again each time
				err := fault(test.f)
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Fatalf("panic is %v, want %q", err, test.want)
				}
			}
		})
	}
}

func TestFloatsSurviveFaults(t *testing.T) {
	x := 1.5
	for i := range 10 {
		y := x * float64(i)
		if fault(func() { sink = nilStruct.a }) == nil {
			t.Fatal("no panic")
		}
		if z := x * float64(i); y != z {
			t.Fatalf("%v became %v", y, z)
		}
	}
}

func TestDeepStack(t *testing.T) {
	var deep func(n int) int
	deep = func(n int) int {
		var pad [64]int
		if n == 0 {
			return pad[0]
		}
		return deep(n-1) + 1 + pad[63]
	}
	if got := deep(3000); got != 3000 {
		t.Errorf("deep(3000) = %d", got)
	}
}

func TestOutsideWorldIsEmpty(t *testing.T) {
	if len(guest.Start().Memory) == 0 {
		t.Skip("not a guest: the rest is about guests")
	}
	if _, err := os.Open("/etc/passwd"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("open: %v, want %v", err, os.ErrNotExist)
	}
	if got := runtime.NumCPU(); got != 1 {
		t.Errorf("NumCPU = %d", got)
	}
}
