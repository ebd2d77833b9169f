package main

import (
	"bytes"
	"strings"
	"testing"
)

func seconds(v ...float64) []*float64 {
	var out []*float64
	for i := range v {
		if v[i] < 0 {
			out = append(out, nil)
		} else {
			out = append(out, &v[i])
		}
	}
	return out
}

func TestMedians(t *testing.T) {
	reports := []report{{Expect: seconds(1, 5)}, {Expect: seconds(2, 4)}, {Expect: seconds(0, 9)}, {Expect: seconds(1, 3)}}
	if got := between(reports, 0, 1); got != 3 { // of 4, 2, 9 and 2
		t.Errorf("between %v, want 3", got)
	}
	if got := summary(reports).user; got != 4.5 { // of 5, 4, 9 and 3
		t.Errorf("user %v, want 4.5", got)
	}
	if got := between([]report{{Expect: seconds(1, -1)}}, 0, 1); got != 0 {
		t.Errorf("between with a missing time is %v, want 0", got)
	}
}

func TestLoadTimes(t *testing.T) {
	got := loadTimes([]byte("x\r\n/vmlinuz: bzImage 2.15, 71.8 MiB loaded in 0.40 s\r\ny 8.9 MiB loaded in 1.25 s"))
	if len(got) != 2 || got[0] != 0.4 || got[1] != 1.25 {
		t.Errorf("times %v", got)
	}
}

func TestTable(t *testing.T) {
	b := &bench{arch: "amd64", mode: "pvh", aims: aimsOf["amd64"], boots: 5, xen: "4.17", initrdMiB: 64, image: 3 << 20, leastMemory: 16, linuxRate: 60, added: 0.25,
		pvboot: loader{menu: 0.5, user: 12, rate: 120}, pvgrub: loader{menu: 2, user: 60, rate: 2}, direct: loader{user: 10}}
	var out bytes.Buffer
	b.print(&out)
	table := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{"menu 0.50 2.00 - 0.25 - PvGRUB <= 0.5", "user space 12.00 60.00 10.00 0.20 1.20 PvGRUB <= 0.4", "120.00 2.00 60.00 PvGRUB >= 15", "at 2.00 of that", "3.00 MiB", "domain of 16 MiB"} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestTableWithoutPvGRUB(t *testing.T) {
	b := &bench{arch: "arm64", mode: "pvh", aims: aimsOf["arm64"], boots: 5, xen: "4.20", linuxRate: 200,
		pvboot: loader{menu: 0.5, user: 12, read: 1, rate: 150}, direct: loader{user: 10}}
	var out bytes.Buffer
	b.print(&out)
	table := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{"Xen 4.20 on arm64, pvh", "menu 0.50 - - <= 1 s", "reading apart 11.00 10.00 1.10 direct <= 1.15", "at 0.75 of that (aim: >= 0.8)"} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(table, "to PvGRUB") {
		t.Errorf("PvGRUB in\n%s", out.String())
	}
}

func TestTableOfCodecs(t *testing.T) {
	b := &bench{arch: "amd64", mode: "pv", aims: aimsOf["amd64-pv"], xen: "4.17",
		codecs: []codecTimes{{"xz", loader{kernel: 3}, loader{kernel: 12}}, {"zstd", loader{kernel: 2}, loader{}}}}
	var out bytes.Buffer
	b.print(&out)
	table := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{"on amd64, pv", "xz 3.00 12.00 0.25 PvGRUB <= 0.4 zstd 2.00 - - Linux's"} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestUsage(t *testing.T) {
	for args, want := range map[string]int{"-h": 0, "-boots=0": 2, "-nonsense": 2, "-arch=vax": 2, "-mode=hvm": 2, "more": 2} {
		if got := run([]string{args}); got != want {
			t.Errorf("bench %s exits with %d, want %d", args, got, want)
		}
	}
}
