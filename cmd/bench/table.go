package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// print writes the results, one row a quantity, with ratios to what stands
// beside pvboot and the aims that the project has set itself.
func (b *bench) print(w io.Writer) {
	fmt.Fprintf(w, "Xen %s on %s, %s, QEMU TCG, initrd of %d MiB, medians of %d boots; seconds after unpause\n\n", b.xen, b.arch, b.mode, b.initrdMiB, b.boots)
	t := newTable(w)
	row := func(name, pvboot, pvgrub, direct, toPvgrub, toDirect, aim string) {
		cells := []string{name, pvboot, direct, toDirect, aim}
		if b.aims.pvgrub {
			cells = []string{name, pvboot, pvgrub, direct, toPvgrub, toDirect, aim}
		}
		t.row(cells...)
	}
	row("", "pvboot", "PvGRUB", "direct", "to PvGRUB", "to direct", "aim")
	times := func(name string, of func(loader) float64, aim string) {
		p, g, d := of(b.pvboot), of(b.pvgrub), of(b.direct)
		row(name, number(p), number(g), number(d), ratio(p, g), ratio(p, d), aim)
	}
	times("xl create", func(l loader) float64 { return l.create }, "")
	times("first byte", func(l loader) float64 { return l.firstByte }, "")
	times("menu", func(l loader) float64 { return l.menu }, b.aims.menu)
	times("kernel's first line", func(l loader) float64 { return l.kernel }, b.aims.kernel)
	times("user space", func(l loader) float64 { return l.user }, b.aims.user)
	times("the same, reading apart", func(l loader) float64 { return l.user - l.read }, b.aims.userApart)
	times("xl create to user space", func(l loader) float64 { return l.create + l.user }, "")
	row("reading, MB/s", number(b.pvboot.rate), number(b.pvgrub.rate), "", ratio(b.pvboot.rate, b.pvgrub.rate), "", b.aims.rate)
	t.Flush()
	b.printCodecs(w)
	fmt.Fprintf(w, "\nLinux's blkfront, dd bs=1M iflag=direct: %s MB/s; pvboot reads at %s of that%s\n",
		number(b.linuxRate), ratio(b.pvboot.rate, b.linuxRate), aim(b.aims.linux))
	fmt.Fprintf(w, "pvboot from its first byte to the jump, reading files apart: %.2f s%s\n", b.added, aim(b.aims.added))
	fmt.Fprintf(w, "image: %.2f MiB%s; menu in a domain of %d MiB%s\n", float64(b.image)/(1<<20), aim("<= 4"), b.leastMemory, aim(b.aims.memory))
}

// table aligns cells to the right.
type table struct{ *tabwriter.Writer }

func newTable(w io.Writer) table {
	return table{tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)}
}

func (t table) row(cells ...string) {
	for _, c := range cells {
		fmt.Fprint(t, c, "\t")
	}
	fmt.Fprintln(t)
}

// aim is an aim in brackets, nothing where there is none.
func aim(text string) string {
	if text == "" {
		return ""
	}
	return " (aim: " + text + ")"
}

func number(v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", v)
}

func ratio(v, to float64) string {
	if v == 0 || to == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", v/to)
}
