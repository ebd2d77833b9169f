package grub

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func testMenu() *Menu {
	m := new(Menu)
	for _, s := range []string{"Debian|simple", "Advanced > more|adv", "a>|x>y", "7 up|seven", "Debian|again", "|empty"} {
		title, id, _ := strings.Cut(s, "|")
		m.Entries = append(m.Entries, &Entry{Title: title, ID: id})
	}
	return m
}

func TestFind(t *testing.T) {
	for spec, want := range map[string]int{
		"0": 0, "3": 3, "5": 5, "6": -1, "99999999999": -1, "-1": -1,
		" 2": 2, "0x2": 2, "010": -1, "02": 2, "1>0": 1, "1>": 1,
		"Debian": 0, "simple": 0, "again": 4, "debian": -1, "Debian ": -1, "Debia": -1,
		"Debian>x": 0, "adv>2>3": 1, "Advanced >> more": 1, "Advanced >> more>b": 1, "Advanced > more": -1,
		"a>>": 2, "a>>>b": 2, "x>>y": 2, "x>y": -1,
		"7 up": -1, "seven": 3,
		"": 5, ">": 5, "nosuch": -1,
	} {
		if got := testMenu().Find(spec); got != want {
			t.Errorf("%q: %d, want %d", spec, got, want)
		}
	}
}

func TestDefault(t *testing.T) {
	env := newEnv(Limits{}.withDefaults())
	if got := testMenu().Default(env); got != 5 {
		// The menu has an entry whose title is empty.
		t.Errorf("unset: %d", got)
	}
	for value, want := range map[string]int{"3": 3, "nosuch": 0, "77": 0, "adv>0": 1} {
		env.Set("default", value)
		if got := testMenu().Default(env); got != want {
			t.Errorf("%q: %d, want %d", value, got, want)
		}
	}
}

func TestFallback(t *testing.T) {
	env := newEnv(Limits{}.withDefaults())
	env.Set("fallback", "2 0x1\t9 4")
	var got []int
	for range 6 {
		got = append(got, testMenu().Fallback(env))
	}
	if d := cmp.Diff([]int{2, 1, -1, 4, -1, -1}, got); d != "" {
		t.Error(d)
	}
	env.Set("fallback", "adv")
	if n := testMenu().Fallback(env); n != 1 {
		t.Errorf("by id: %d", n)
	}
	if v, ok := env.Lookup("fallback"); ok {
		t.Errorf("fallback is still %q", v)
	}
}

func TestBelow(t *testing.T) {
	for spec, want := range map[string]string{
		"": "", "a": "", "a>b": "b", "a>b>c": "b>c", "a>>b>c": "c", ">a": "a", "a>": "", "a>>>b": "b",
	} {
		if got := below(spec); got != want {
			t.Errorf("%q: %q, want %q", spec, got, want)
		}
	}
}

func TestEnv(t *testing.T) {
	env := newEnv(Limits{Memory: 1000, Word: 200}.withDefaults())
	if err := env.Set("a", strings.Repeat("x", 201)); Number(err) != OutOfMemory {
		t.Errorf("long value: %v", err)
	}
	for i := range 100 {
		if err := env.Set("v", strings.Repeat("x", i)); err != nil {
			t.Fatal(err)
		}
	}
	env.Unset("v")
	if env.size != 0 {
		t.Errorf("%d bytes are left of nothing", env.size)
	}
	var err error
	for i := 0; err == nil && i < 100; i++ {
		err = env.Set(strings.Repeat("n", i+1), "")
	}
	if Number(err) != OutOfMemory {
		t.Errorf("many variables: %v", err)
	}
	env = newEnv(Limits{}.withDefaults())
	env.Set("root", "(hd0,1)")
	if env.Get("root") != "hd0,1" {
		t.Errorf("root=%q", env.Get("root"))
	}
	env.Export("e")
	inner := env.clone()
	inner.Set("e", "1")
	inner.Unset("root")
	if env.Get("e") != "" || env.Get("root") != "hd0,1" || !inner.Exported("e") {
		t.Error("a context's variables reach its outer one, or lose their mark")
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "", true}, {"*", "abc", true}, {"?", "", false}, {"?", "a", true}, {"?", "ab", false},
		{"a*c", "abbc", true}, {"a*c", "abb", false}, {"*.cfg", "grub.cfg", true}, {"*.cfg", "grubXcfg", false},
		{"a**b*", "ab", true}, {`a\*b`, "a*b", true}, {`a\*b`, "axb", false}, {`\?`, "?", true}, {`\?`, "a", false},
		{"[ab]", "a", false}, {"[ab]", "[ab]", true}, {"vmlinuz-*-amd64", "vmlinuz-6.1.0-18-amd64", true},
		{strings.Repeat("a*", 30) + "b", strings.Repeat("a", 3000), false},
	} {
		if got := match(c.pattern, c.name); got != c.want {
			t.Errorf("%q %q: %t", c.pattern, c.name, got)
		}
	}
}

func TestLimitsDefaults(t *testing.T) {
	if got := (Limits{Depth: 5}).withDefaults(); got.Depth != 5 || got.Steps == 0 || got.Source == 0 || got.Word == 0 || got.Memory == 0 || got.Menu == 0 {
		t.Errorf("%+v", got)
	}
}
