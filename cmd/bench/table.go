package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// print writes the results, one row a quantity, with ratios to what stands
// beside pvboot and the aims that the project has set itself.
func (b *bench) print(w io.Writer) {
	fmt.Fprintf(w, "Xen %s, QEMU TCG, initrd of %d MiB, medians of %d boots; seconds after unpause\n\n", b.xen, b.initrdMiB, b.boots)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(cells ...string) {
		for _, c := range cells {
			fmt.Fprint(t, c, "\t")
		}
		fmt.Fprintln(t)
	}
	row("", "pvboot", "PvGRUB", "direct", "to PvGRUB", "aim", "to direct")
	times := func(name string, of func(loader) float64, aim string) {
		p, g, d := of(b.pvboot), of(b.pvgrub), of(b.direct)
		row(name, number(p), number(g), number(d), ratio(p, g), aim, ratio(p, d))
	}
	times("xl create", func(l loader) float64 { return l.create }, "")
	times("first byte", func(l loader) float64 { return l.firstByte }, "")
	times("menu", func(l loader) float64 { return l.menu }, "<= 0.5")
	times("kernel's first line", func(l loader) float64 { return l.kernel }, "")
	times("user space", func(l loader) float64 { return l.user }, "<= 0.4")
	times("xl create to user space", func(l loader) float64 { return l.create + l.user }, "")
	row("reading, MB/s", number(b.pvboot.rate), number(b.pvgrub.rate), "", ratio(b.pvboot.rate, b.pvgrub.rate), ">= 15", "")
	t.Flush()
	fmt.Fprintf(w, "\nLinux's blkfront, dd bs=1M iflag=direct: %s MB/s; pvboot reads at %s of that (aim: >= 0.5)\n",
		number(b.linuxRate), ratio(b.pvboot.rate, b.linuxRate))
	fmt.Fprintf(w, "pvboot from its first byte to the jump, reading files apart: %.2f s (aim: <= 0.5)\n", b.added)
	fmt.Fprintf(w, "image: %.2f MiB (aim: <= 4); menu in a domain of %d MiB (aim: <= 24)\n", float64(b.image)/(1<<20), b.leastMemory)
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
