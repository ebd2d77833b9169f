package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"time"

	"pvboot/internal/barehost"
	"pvboot/internal/cache"
	"pvboot/internal/expect"
	"pvboot/internal/xenhost"
)

// options are the flags of "rig boot".
type options struct {
	arch, mode, loader, xen string
	cpu, machine            string
	gic                     int
	memory                  int
	extra                   string
	each                    []string
	smallest                int
	store                   string
	xl                      []string
	keys                    []expect.Press
	expects                 []*regexp.Regexp
	timeout                 time.Duration
	json                    string
	write                   bool
	boots                   int
	rest                    time.Duration
	verbose                 bool
	disks                   []domainDisk
}

const defaultTimeout = 10 * time.Minute

const bootHelp = `usage: rig boot [options] DISK...

Each DISK is a raw image, and may be followed by ,ro (read-only), ,cdrom,
,sector=4096 and ,vdev=NAME. Disks become xvda, xvdb, ... in that order.
What the domain prints goes to standard output. The run ends when all that
is expected was seen or, when nothing is expected, when the domain ends.
On a terminal, keys go to the domain; Ctrl-] leaves.

`

// parseBoot reads the flags of "rig boot". A run on a terminal has no time-out
// unless one is asked for.
func parseBoot(args []string, terminal bool, stderr io.Writer) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("rig boot", flag.ContinueOnError)
	f.StringVar(&o.arch, "arch", "amd64", "`architecture` of the host: amd64, arm64, riscv64 or ppc64 (also ppc64le)")
	f.StringVar(&o.mode, "mode", "pvh", "type of domain: pvh, pv or pvshim; on arm64 there is but one, which xl calls pvh, and on riscv64 and ppc64, where a test hypervisor stands in for Xen; or qemu: a machine without Xen, with the disk as its initrd")
	f.StringVar(&o.loader, "loader", "pvboot", "what starts the kernel: pvboot, pvgrub (amd64 only), pygrub (amd64 and arm64), direct, or the `file` of an image for xl's kernel=, such as U-Boot's u-boot.bin of xenguest_arm64 or EDK2's XEN_EFI.fd")
	f.StringVar(&o.xen, "xen", "", "`version` of Xen: 4.17 or 4.20 (default "+xenhost.DefaultXen+")")
	f.StringVar(&o.machine, "machine", "", "with -mode qemu, QEMU's `machine`: q35 (default) or microvm on amd64, virt on arm64 and riscv64, pseries on ppc64, with QEMU's options for it")
	f.StringVar(&o.cpu, "cpu", "", "QEMU's `model` of the host's processor; on arm64 cortex-a57 (default), cortex-a72, max and others")
	f.IntVar(&o.gic, "gic", 0, "`version` of arm64's interrupt controller: 2 or 3 (default 3)")
	f.IntVar(&o.memory, "memory", 512, "memory of the domain in `MiB`")
	f.StringVar(&o.extra, "extra", "", "the domain's command line (xl's extra=)")
	f.Func("each", "boot once with these `words` added to the command line; can be repeated, for one boot after the other in the same Xen", func(s string) error {
		o.each = append(o.each, s)
		return nil
	})
	f.IntVar(&o.smallest, "smallest", 0, "find the smallest memory, up to -memory and to `n` MiB exactly, with which all that is expected is seen")
	f.Func("xl", "one more `line` for the xl configuration; can be repeated", func(s string) error {
		o.xl = append(o.xl, s)
		return nil
	})
	f.Func("keys", "`REGEX=>KEYS`: press keys (with C's escapes) when the console shows REGEX; can be repeated, in order", func(s string) error {
		press, err := expect.ParsePress(s)
		o.keys = append(o.keys, press)
		return err
	})
	f.Func("expect", "`REGEX` that the console must show; can be repeated, in order", func(s string) error {
		re, err := regexp.Compile(s)
		o.expects = append(o.expects, re)
		return err
	})
	timeout := defaultTimeout
	if terminal {
		timeout = 0
	}
	f.DurationVar(&o.timeout, "timeout", timeout, "`time` after which the run fails, counted from QEMU's start; 0 means none, as it is on a terminal")
	f.StringVar(&o.json, "json", "", "write the times to this `file` (- is standard output)")
	f.StringVar(&o.store, "store", "", "write what xenstore holds about the domain to `NAME`.before, as xl made it, and to NAME.after, when the last -expect was seen")
	f.BoolVar(&o.write, "write", false, "let the domain write to the disks; else what it writes is forgotten")
	f.IntVar(&o.boots, "boots", 1, "boot the domain `n` times, one after the other, in the same Xen")
	f.DurationVar(&o.rest, "rest", 0, "`time` to wait before each boot but the first, so that the end of the last domain does not disturb a measurement")
	f.BoolVar(&o.verbose, "v", false, "print the messages of Xen, dom0 and xl, or of QEMU, to standard error")
	f.Usage = func() {
		fmt.Fprint(f.Output(), bootHelp)
		f.PrintDefaults()
	}
	if err := parse(f, args, stderr); err != nil {
		return nil, err
	}
	for _, arg := range f.Args() {
		disk, err := parseDisk(arg, len(o.disks))
		if err != nil {
			return nil, usageError{err}
		}
		o.disks = append(o.disks, disk)
	}
	if o.arch == "ppc64le" { // its machines are the same
		o.arch = "ppc64"
	}
	if err := o.check(); err != nil {
		return o, err
	}
	switch {
	case o.mode == bareMode:
		return o, o.checkBare()
	case o.testHypervisor():
		return o, o.checkGuest()
	}
	return o, o.checkXen()
}

// check says what is wrong in any mode.
func (o *options) check() error {
	switch {
	case !slices.Contains(barehost.Arches(), o.arch):
		return usagef("-arch %s: want amd64, arm64, ppc64 or riscv64", o.arch)
	case domainTypes[o.mode] == nil && o.mode != bareMode:
		return usagef("-mode %s: want pvh, pv, pvshim or qemu", o.mode)
	case o.arch != "arm64" && o.gic != 0:
		return usagef("-gic %d: only arm64 has a GIC", o.gic)
	case o.gic != 0 && o.gic != 2 && o.gic != 3:
		return usagef("-gic %d: want 2 or 3", o.gic)
	case o.memory < 1 || o.memory > 1<<20:
		return usagef("-memory %d: want 1..%d MiB", o.memory, 1<<20)
	case o.boots < 1:
		return usagef("-boots %d: want 1 or more", o.boots)
	case o.smallest < 0 || o.smallest > o.memory:
		return usagef("-smallest %d: want 1..%d MiB", o.smallest, o.memory)
	case o.smallest > 0 && (o.boots > 1 || len(o.each) > 0 || o.store != ""):
		return usagef("-smallest boots as often as it must: no -boots, -each or -store beside it")
	case (o.smallest > 0 || o.store != "") && len(o.expects) == 0:
		return usagef("-smallest and -store want an -expect")
	case o.rest < 0:
		return usagef("-rest %v: want 0 or more", o.rest)
	case o.timeout < 0:
		return usagef("-timeout %v: want 0 or more", o.timeout)
	}
	return nil
}

// checkXen says what is wrong with the options of a run with Xen.
func (o *options) checkXen() error {
	o.xen = cmp.Or(o.xen, xenhost.DefaultXen)
	switch {
	case o.arch == "arm64" && o.mode != "pvh":
		return usagef("-mode %s: there is no such type of domain on arm64: want pvh", o.mode)
	case o.arch == "arm64" && o.loader == "pvgrub":
		return usagef("-loader pvgrub: there is no PvGRUB for arm64")
	case o.machine != "":
		return usagef("-machine %s: only with -mode qemu", o.machine)
	case !xenhost.Known(o.xen):
		return usagef("-xen %s: want one of %v", o.xen, xenhost.Versions())
	case len(o.disks) == 0:
		return usagef("no disk is named")
	}
	return nil
}

// boot is the command "rig boot".
func boot(ctx context.Context, args []string, stdin *os.File, stdout, stderr io.Writer) error {
	o, err := parseBoot(args, keyboardOf(stdin), stderr)
	if err != nil {
		return err
	}
	dir, err := cache.Find()
	if err != nil {
		return err
	}
	loader, err := findLoader(ctx, dir, o, stderr)
	if err != nil {
		return err
	}
	var log io.Writer
	if o.verbose {
		log = stderr
	}
	if keyboardOf(stdin) {
		fmt.Fprintf(stderr, "%s; Ctrl-] leaves\n", o.starting())
	}
	var machine closingHost
	switch {
	case o.mode == bareMode:
		machine = startMachines(ctx, o, loader, log)
	case o.testHypervisor():
		machine, err = startGuests(ctx, dir, o, loader, log)
	default:
		machine, err = startXen(ctx, dir, o, loader, log, stderr)
	}
	if err != nil {
		return err
	}
	return follow(ctx, o, machine, stdin, stdout, stderr)
}

// closingHost is a host with an end and a log.
type closingHost interface {
	host
	LogTail() string
	Close() error
}

// startXen starts a host with Xen for a session's domains.
func startXen(ctx context.Context, dir cache.Dir, o *options, l *loader, log, progress io.Writer) (closingHost, error) {
	cfg := &xenhost.Config{
		Cache: dir, Arch: o.arch, Xen: o.xen, CPU: o.cpu, GIC: o.gic, Memory: o.memory,
		PyGrub: l.pygrub, Files: l.files, Progress: progress, Log: log,
	}
	for _, d := range o.disks {
		d.Write = o.write && !d.readOnly
		cfg.Disks = append(cfg.Disks, d.Disk)
	}
	h, err := xenhost.Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &xenDomains{domains{h, o, l}, h}, nil
}

// xenDomains are domains whose host this program has started.
type xenDomains struct {
	domains
	started *xenhost.Host
}

func (d *xenDomains) LogTail() string { return d.started.LogTail() }

func (d *xenDomains) Close() error { return d.started.Close() }

// follow runs the session.
func follow(ctx context.Context, o *options, machine closingHost, stdin *os.File, stdout, stderr io.Writer) error {
	keyboard, restore, err := openKeyboard(stdin)
	if err != nil {
		machine.Close()
		return err
	}
	s := &session{options: o, host: machine, out: stdout, keyboard: keyboard}
	err = s.run(ctx)
	err = errors.Join(err, restore(), machine.Close())
	if err != nil && !o.verbose && !errors.Is(err, errLeft) {
		fmt.Fprintf(stderr, "\nThe last messages of %s:\n%s\n", o.speakers(), machine.LogTail())
	}
	if jsonErr := s.writeJSON(stdout); err == nil {
		err = jsonErr
	}
	if errors.Is(err, errLeft) && len(o.expects) == 0 {
		return nil
	}
	return err
}
