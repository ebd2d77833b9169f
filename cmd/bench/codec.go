package main

import (
	"context"
	"fmt"
	"io"
	"slices"
)

// pvgrubCodecs are those that Debian's PvGRUB unpacks; for others it says
// "not xen image".
var pvgrubCodecs = []string{"gzip", "xz"}

// codecTimes is what boots of a kernel in one codec took, without a menu and
// with a small initrd.
type codecTimes struct {
	codec          string
	pvboot, pvgrub loader
}

// measureCodec boots a kernel packed by codec.
func (b *bench) measureCodec(ctx context.Context, codec string) error {
	name := "codec-" + codec
	if err := b.disk(ctx, diskConfig{name, atOnceConfig, 0, codec}); err != nil {
		return err
	}
	times := codecTimes{codec: codec}
	reports, _, err := b.boot(ctx, name, "-loader", b.path("pvboot"), "-expect", "PVBOOT-OK")
	if err != nil {
		return err
	}
	times.pvboot = summary(reports)
	if b.aims.pvgrub && slices.Contains(pvgrubCodecs, codec) {
		if reports, _, err = b.boot(ctx, name, "-loader", "pvgrub", "-expect", "PVBOOT-OK"); err != nil {
			return err
		}
		times.pvgrub = summary(reports)
	}
	b.codecs = append(b.codecs, times)
	return nil
}

// printCodecs writes a row for each codec.
func (b *bench) printCodecs(w io.Writer) {
	if len(b.codecs) == 0 {
		return
	}
	fmt.Fprint(w, "\nkernel's first line, by the kernel's codec, small initrd, no menu\n\n")
	t := newTable(w)
	t.row("", "pvboot", "PvGRUB", "to PvGRUB", "aim")
	for _, c := range b.codecs {
		t.row(c.codec, number(c.pvboot.kernel), number(c.pvgrub.kernel), ratio(c.pvboot.kernel, c.pvgrub.kernel), b.aims.codecKernel[c.codec])
	}
	t.Flush()
}
