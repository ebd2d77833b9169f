// Command bench measures pvboot on real Xen in QEMU beside PvGRUB, where there
// is one, and a direct boot by xl: the same rig, the same disk, medians of
// several boots each. It
// prints a table with ratios. The times are those of an emulated machine and
// good as ratios only, so nothing is asserted; run it on a machine that does
// nothing else.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	arch := f.String("arch", "amd64", "`architecture`: amd64 or arm64")
	mode := f.String("mode", "pvh", "type of `domain`: pvh or, on amd64, pv")
	boots := f.Int("boots", 5, "`number` of boots that a median is made of")
	xen := f.String("xen", "4.17", "`version` of Xen: 4.17 (PvGRUB 2.06) or 4.20 (PvGRUB 2.12)")
	mib := f.Int("initrd-mib", 64, "size of the large initrd in `MiB`")
	codecs := f.String("codecs", "", "the kernel's codecs to measure, `separated` by commas; by default all that a PV domain's loader unpacks")
	f.Usage = func() {
		fmt.Fprintln(f.Output(), "usage: bench [options]")
		f.PrintDefaults()
	}
	err := f.Parse(args)
	name := *arch
	if *mode != "pvh" {
		name += "-" + *mode
	}
	switch {
	case err == flag.ErrHelp:
		return 0
	case err == nil && aimsOf[name] != nil && !aimsOf[name].has(*codecs):
		fmt.Fprintf(os.Stderr, "bench: -codecs %s: want of %v\n", *codecs, aimsOf[name].codecs)
		return 2
	case err != nil || f.NArg() != 0 || *boots < 1 || *mib < 1 || aimsOf[name] == nil:
		if err == nil {
			f.Usage()
		}
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b := &bench{arch: *arch, mode: *mode, aims: aimsOf[name], boots: *boots, xen: *xen, initrdMiB: *mib}
	if *codecs != "" {
		b.codecNames = strings.Split(*codecs, ",")
	} else {
		b.codecNames = b.aims.codecs
	}
	if err := b.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	b.print(os.Stdout)
	return 0
}
