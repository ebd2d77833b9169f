package shm

import (
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// page returns memory that is aligned as pages are.
func page() []byte { return make([]byte, 4096) }

func TestWords(t *testing.T) {
	p := page()
	Store(p, 4092, 0x04030201)
	if p[4092] != 1 || p[4095] != 4 || Load(p, 4092) != 0x04030201 || Load(p, 4088) != 0 {
		t.Errorf("% x", p[4088:])
	}
	if CompareAndSwap(p, 4092, 1, 2) || !CompareAndSwap(p, 4092, 0x04030201, 2) || Load(p, 4092) != 2 {
		t.Errorf("% x", p[4088:])
	}
}

func TestWordsThatAreNone(t *testing.T) {
	for _, off := range []int{-4, 1, 2, 3, 4093, 4096, 1 << 40} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("word at %d", off)
				}
			}()
			Load(page(), off)
		}()
	}
}

// Each side stores its word and then loads the other's: one of them must see
// the other's store, as with an index and the event that it is compared to.
func TestStoreThenLoad(t *testing.T) {
	const rounds = 20000
	p := page()
	var saw [2][rounds]uint32
	var wg sync.WaitGroup
	for side := range 2 {
		wg.Go(func() {
			mine, theirs := side*64, (1-side)*64
			for n := range uint32(rounds) {
				Store(p, mine, n+1)
				saw[side][n] = Load(p, theirs)
				for Load(p, theirs) <= n { // both begin a round together
					runtime.Gosched()
				}
			}
		})
	}
	wg.Wait()
	for n := range uint32(rounds) {
		if saw[0][n] <= n && saw[1][n] <= n {
			t.Fatalf("round %d: neither side saw the other's store", n)
		}
	}
}

// TestInstructions looks at what the compiler makes of the three functions:
// an emulator would not show a weaker instruction, and neither would most
// tests.
func TestInstructions(t *testing.T) {
	for _, tt := range []struct {
		goarch string
		want   map[string][]string
	}{
		{"arm64", map[string][]string{
			"Load": {"LDARW"}, "Store": {"STLRW"}, "CompareAndSwap": {"CASALW", "LDAXRW", "STLXRW"},
		}},
		{"amd64", map[string][]string{"Store": {"XCHGL"}, "CompareAndSwap": {"CMPXCHGL"}}},
		// The assembler sets aq and rl: by them each is ordered before the next one
		// (The RISC-V Instruction Set Manual, volume I, "RVWMO Memory Consistency
		// Model", rule 7 of the preserved program order).
		{"riscv64", map[string][]string{
			"Load": {"LRW"}, "Store": {"AMOSWAPW"}, "CompareAndSwap": {"LRW", "SCW"},
		}},
	} {
		got := instructions(t, tt.goarch)
		for name, want := range tt.want {
			for _, w := range want {
				if !slices.Contains(got[name], w) {
					t.Errorf("%s: %s has no %s: %v", tt.goarch, name, w, got[name])
				}
			}
		}
		for _, weaker := range []string{"LDAPRW", "LDXRW", "STXRW"} {
			for name, list := range got {
				if slices.Contains(list, weaker) {
					t.Errorf("%s: %s has %s", tt.goarch, name, weaker)
				}
			}
		}
	}
}

var (
	symbol      = regexp.MustCompile(`^pvboot/internal/shm\.(\w+) STEXT`)
	instruction = regexp.MustCompile(`^\s+0x[0-9a-f]+ \d+ \([^)]*\)\t([A-Z][A-Z0-9.]*)`)
)

// instructions asks the compiler for each function's instructions.
func instructions(t *testing.T, goarch string) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "build", "-gcflags=-S", "pvboot/internal/shm")
	cmd.Env = append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0", "GOARCH="+goarch)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	found := map[string][]string{}
	name := ""
	for line := range strings.Lines(string(out)) {
		if m := symbol.FindStringSubmatch(line); m != nil {
			name = m[1]
		} else if !strings.HasPrefix(line, "\t") {
			name = ""
		} else if m := instruction.FindStringSubmatch(line); m != nil && name != "" {
			found[name] = append(found[name], m[1])
		}
	}
	if len(found) < 4 {
		t.Fatalf("%s: cannot read the compiler's list: found %v", goarch, found)
	}
	return found
}
