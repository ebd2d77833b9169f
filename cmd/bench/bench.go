package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// menuConfig waits at the menu, unless the domain's command line says not to,
// and tells when files are read: GRUB reads them in the commands, pvboot at the
// boot.
const menuConfig = `set timeout=60
if [ -n "$xen_grub_env_now" ]; then set timeout=0; fi
menuentry bench {
	echo BENCH-KERNEL
	linux /vmlinuz console=hvc0
	echo BENCH-INITRD
	initrd /initrd.img
	echo BENCH-LOADED
}
`

// atOnceConfig boots without a menu.
const atOnceConfig = `set timeout=0
menuentry bench {
	linux /vmlinuz console=hvc0
	initrd /initrd.img
}
`

// bench is one run of all measurements.
type bench struct {
	arch      string
	mode      string
	aims      *aims
	boots     int
	xen       string
	initrdMiB int

	codecNames []string // whose kernels are measured apart

	dir   string // of the tools and disks
	image int64  // bytes of pvboot's image
	files int64  // bytes of the large disk's files whose reading is timed

	pvboot, pvgrub, direct loader
	added                  float64 // s from the first byte to the jump, without reading
	linuxRate              float64 // MB/s of Linux's own blkfront
	leastMemory            int     // MiB in which the menu comes up
	codecs                 []codecTimes
}

// loader is what was measured of one of them, in seconds after unpause; 0 is
// what it has not.
type loader struct {
	create, firstByte, menu, kernel, user float64
	read                                  float64 // s for the kernel and the initrd
	rate                                  float64 // MB/s of that
}

func (b *bench) run(ctx context.Context) error {
	var err error
	if b.dir, err = os.MkdirTemp("", "pvboot-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	type step struct {
		what string
		do   func(context.Context) error
	}
	steps := []step{
		{"building", b.build},
		{"pvboot", b.measurePvboot},
		{"pvboot without a menu", b.measureAdded},
		{"pvboot in little memory", b.measureMemory},
		{"direct boot", b.measureDirect},
		{"Linux's blkfront", b.measureLinux},
	}
	if b.unpacks() {
		steps = append(steps, step{"pvboot's reading", b.measureReading})
	}
	if b.aims.pvgrub {
		steps = append(steps, step{"PvGRUB (this takes minutes)", b.measurePvGRUB})
	}
	for _, codec := range b.codecNames {
		steps = append(steps, step{"a kernel in " + codec, func(ctx context.Context) error { return b.measureCodec(ctx, codec) }})
	}
	for _, step := range steps {
		fmt.Fprintf(os.Stderr, "bench: %s\n", step.what)
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return nil
}

// path names a file of the run.
func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// build makes the tools and the disks: one with a large initrd, one without.
func (b *bench) build(ctx context.Context) error {
	for _, args := range [][]string{
		{"go", "build", "-o", b.path("rig"), "pvboot/cmd/rig"},
		{"go", "run", "pvboot/cmd/xengo", "build", "-arch", b.arch, "-o", b.path("pvboot"), "pvboot/cmd/pvboot"},
	} {
		if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))
		}
	}
	info, err := os.Stat(b.path("pvboot"))
	if err != nil {
		return err
	}
	b.image = info.Size()
	for _, d := range []diskConfig{
		{"large", menuConfig, b.initrdMiB, b.largeCodec()},
		{"small", atOnceConfig, 0, b.largeCodec()},
	} {
		if err := b.disk(ctx, d); err != nil {
			return err
		}
	}
	return b.countFiles()
}

// largeCodec is how the kernel of the table's disks is packed: in a PV domain
// it is one that PvGRUB unpacks quickly too, so that reading weighs most.
func (b *bench) largeCodec() string {
	if b.unpacks() {
		return "gzip"
	}
	return ""
}

// unpacks tells whether a loader unpacks the kernel itself.
func (b *bench) unpacks() bool { return b.mode != "pvh" }

// countFiles adds up what is read between the two times that tell of reading:
// kernel and initrd, or, where the kernel is unpacked meanwhile, the initrd.
func (b *bench) countFiles() (err error) {
	names := []string{"initrd.img"}
	if !b.unpacks() {
		names = append(names, "vmlinuz")
	}
	b.files, err = b.fileSizes("large", names...)
	return err
}

// fileSizes adds up files of a disk.
func (b *bench) fileSizes(disk string, names ...string) (n int64, err error) {
	for _, name := range names {
		info, err := os.Stat(filepath.Join(b.path(disk+".direct"), name))
		if err != nil {
			return 0, err
		}
		n += info.Size()
	}
	return n, nil
}

// diskConfig is a test disk.
type diskConfig struct {
	name, grubCfg string
	initrdMiB     int
	codec         string // "" for the stock kernel
}

func (b *bench) disk(ctx context.Context, d diskConfig) error {
	if err := os.WriteFile(b.path("grub.cfg"), []byte(d.grubCfg), 0o644); err != nil {
		return err
	}
	args := []string{"disk", "-arch", b.arch, "-grub-cfg", b.path("grub.cfg"), "-initrd-mib", strconv.Itoa(d.initrdMiB)}
	if d.codec != "" {
		args = append(args, "-codec", d.codec)
	}
	_, err := b.rig(ctx, append(args, b.path(d.name))...)
	return err
}

// summary fills in what all loaders have; user space is the last expectation.
func summary(reports []report) loader {
	return loader{
		create:    median(reports, func(r report) *float64 { return r.Create }),
		firstByte: median(reports, func(r report) *float64 { return r.FirstByte }),
		menu:      median(reports, func(r report) *float64 { return r.Menu }),
		kernel:    median(reports, func(r report) *float64 { return r.Kernel }),
		user:      median(reports, func(r report) *float64 { return r.Expect[len(r.Expect)-1] }),
	}
}

const pressEnter = `keys to select=>\n`

func (b *bench) measurePvboot(ctx context.Context) error {
	reports, out, err := b.boot(ctx, "large", "-loader", b.path("pvboot"), "-keys", pressEnter,
		"-expect", "BENCH-LOADED", "-expect", "MiB loaded in", "-expect", "PVBOOT-OK")
	if err != nil {
		return err
	}
	b.pvboot = summary(reports)
	if !b.aims.pvgrub {
		// Nobody to be compared with has to wait for a key.
		menu, firstByte := b.pvboot.menu, b.pvboot.firstByte
		reports, out, err = b.boot(ctx, "large", "-loader", b.path("pvboot"), "-extra", "xen_grub_env_now=1",
			"-expect", "BENCH-LOADED", "-expect", "MiB loaded in", "-expect", "PVBOOT-OK")
		if err != nil {
			return err
		}
		b.pvboot = summary(reports)
		b.pvboot.menu, b.pvboot.firstByte = menu, firstByte
	}
	// pvboot's own clock is finer than the console, and the kernel is read too.
	if seconds := loadTimes(out); len(seconds) > 1 {
		b.pvboot.read = middle(seconds[1:])
		b.pvboot.rate = b.rate(b.pvboot.read)
	}
	return nil
}

// rate is MB/s when the counted files take so many seconds.
func (b *bench) rate(seconds float64) float64 {
	if seconds <= 0 {
		return 0
	}
	return float64(b.files) / 1e6 / seconds
}

var loadedIn = regexp.MustCompile(`MiB loaded in ([0-9.]+) s`)

// loadTimes is how long pvboot said that reading took, a boot each.
func loadTimes(out []byte) (seconds []float64) {
	for _, m := range loadedIn.FindAllSubmatch(out, -1) {
		if s, err := strconv.ParseFloat(string(m[1]), 64); err == nil {
			seconds = append(seconds, s)
		}
	}
	return seconds
}

// measureAdded measures what pvboot itself costs: from its first byte on the
// console to the jump, without a menu and without reading the files.
func (b *bench) measureAdded(ctx context.Context) error {
	reports, out, err := b.boot(ctx, "small", "-loader", b.path("pvboot"), "-expect", "pvboot [0-9]", "-expect", "MiB loaded in", "-expect", "PVBOOT-OK")
	if err != nil {
		return err
	}
	b.added = between(reports, 0, 1)
	if seconds := loadTimes(out); len(seconds) > 1 {
		b.added -= middle(seconds[1:])
	}
	return nil
}

// measureReading measures how fast pvboot reads where its other times hold the
// unpacking of the kernel too: by a kernel that is not packed.
func (b *bench) measureReading(ctx context.Context) error {
	if err := b.disk(ctx, diskConfig{"plain", atOnceConfig, b.initrdMiB, "none"}); err != nil {
		return err
	}
	_, out, err := b.boot(ctx, "plain", "-loader", b.path("pvboot"), "-expect", "MiB loaded in", "-expect", "PVBOOT-OK")
	if err != nil {
		return err
	}
	seconds := loadTimes(out)
	if len(seconds) < 2 {
		return fmt.Errorf("pvboot told no time")
	}
	bytes, err := b.fileSizes("plain", "vmlinuz", "initrd.img")
	if err != nil {
		return err
	}
	b.pvboot.rate = float64(bytes) / 1e6 / middle(seconds[1:])
	return nil
}

// measureMemory looks for the least domain that shows a menu.
func (b *bench) measureMemory(ctx context.Context) error {
	for _, mib := range []int{8, 10, 12, 14, 16, 20, 24, 32} {
		_, err := b.rig(ctx, "boot", "-arch", b.arch, "-mode", b.mode, "-xen", b.xen, "-memory", strconv.Itoa(mib), "-loader", b.path("pvboot"),
			"-timeout", "60s", "-expect", "keys to select", b.path("large"))
		if err == nil {
			b.leastMemory = mib
			return nil
		}
		if ctx.Err() != nil {
			return err
		}
	}
	return fmt.Errorf("no menu in 32 MiB")
}

func (b *bench) measureDirect(ctx context.Context) error {
	reports, _, err := b.boot(ctx, "large", "-loader", "direct", "-expect", "PVBOOT-OK")
	if err != nil {
		return err
	}
	b.direct = summary(reports)
	return nil
}

var ddTook = regexp.MustCompile(`PVBOOT-READ-OK (\d+) bytes in (\d+) hundredths`)

// measureLinux takes the rate that dd has in a directly booted Linux.
func (b *bench) measureLinux(ctx context.Context) error {
	_, out, err := b.boot(ctx, "large", "-loader", "direct", "-extra", "console=hvc0 quiet rig.read=xvda", "-expect", "PVBOOT-READ-OK .*second")
	if err != nil {
		return err
	}
	var rates []float64
	for _, m := range ddTook.FindAllSubmatch(out, -1) {
		bytes, err1 := strconv.ParseFloat(string(m[1]), 64)
		hundredths, err2 := strconv.ParseFloat(string(m[2]), 64)
		if err1 == nil && err2 == nil && hundredths > 0 {
			rates = append(rates, bytes/1e6/(hundredths/100))
		}
	}
	if len(rates) < 2 {
		return fmt.Errorf("dd told no rate")
	}
	b.linuxRate = middle(rates[1:])
	return nil
}

func (b *bench) measurePvGRUB(ctx context.Context) error {
	reports, _, err := b.boot(ctx, "large", "-loader", "pvgrub", "-keys", pressEnter,
		"-expect", "BENCH-KERNEL", "-expect", "BENCH-INITRD", "-expect", "BENCH-LOADED", "-expect", "PVBOOT-OK")
	if err != nil {
		return err
	}
	b.pvgrub = summary(reports)
	b.pvgrub.read = between(reports, 0, 2)
	b.pvgrub.rate = b.rate(b.pvgrub.read)
	if b.unpacks() {
		b.pvgrub.rate = b.rate(between(reports, 1, 2))
	}
	return nil
}
