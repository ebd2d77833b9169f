package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"pvboot/internal/xenhost"
	"pvboot/internal/xenhost/wire"
)

// domainTypes are the lines of an xl configuration for each -mode.
var domainTypes = map[string][]string{
	"pvh":    {`type = "pvh"`},
	"pv":     {`type = "pv"`},
	"pvshim": {`type = "pvh"`, `pvshim = 1`},
}

// xenHost makes domains, a *xenhost.Host.
type xenHost interface {
	Events() <-chan xenhost.Event
	Create(job wire.Job) error
	Input(keys []byte) error
	Destroy() error
	Inspect() error
	List() error
}

// domains are a session's domains on a Xen host.
type domains struct {
	xenHost
	options *options
	loader  *loader
}

// silence is for how long a domain may be silent before it gets an event.
const silence = 10 * time.Second

// Create makes a domain and lets it run.
func (d *domains) Create(v variant) error {
	job := wire.Job{Config: xlConfig(d.options, d.loader, v), List: d.options.store != ""}
	if d.options.arch == "amd64" && d.options.mode != "pv" {
		job.Nudge = silence // QEMU's SVM loses wake-ups
	}
	return d.xenHost.Create(job)
}

// domainDisk is one disk of the domain.
type domainDisk struct {
	xenhost.Disk
	vdev     string
	readOnly bool
	cdrom    bool
}

// parseDisk reads a DISK argument; index is its place among the disks.
func parseDisk(arg string, index int) (domainDisk, error) {
	file, rest, _ := strings.Cut(arg, ",")
	if _, err := os.Stat(arg); err == nil {
		file, rest = arg, "" // a name with a comma
	}
	d := domainDisk{vdev: "xvd" + string(rune('a'+index))}
	d.File = file
	for option := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(option, "=")
		switch {
		case option == "":
		case option == "ro":
			d.readOnly = true
		case option == "cdrom":
			d.readOnly, d.cdrom = true, true
		case name == "vdev" && value != "" && !strings.ContainsAny(value, `"', `):
			d.vdev = value
		case name == "sector":
			n, err := strconv.Atoi(value)
			if err != nil || n != 512 && n != 4096 {
				return d, fmt.Errorf("disk %s: sector size %q: want 512 or 4096", file, value)
			}
			d.SectorSize = n
		default:
			return d, fmt.Errorf("disk %s: %q: want ro, cdrom, sector=BYTES or vdev=NAME", file, option)
		}
	}
	info, err := os.Stat(file)
	if err != nil {
		return d, err
	}
	if !info.Mode().IsRegular() && info.Mode()&os.ModeDevice == 0 {
		return d, fmt.Errorf("disk %s: neither a file nor a device", file)
	}
	return d, nil
}

// xlDisk returns the disk as an item of xl's disk list.
func (d domainDisk) xlDisk(index int) string {
	access, kind := "rw", ""
	if d.readOnly {
		access = "ro"
	}
	if d.cdrom {
		kind = "devtype=cdrom,"
	}
	return fmt.Sprintf("%sformat=raw,vdev=%s,access=%s,backendtype=phy,target=%s", kind, d.vdev, access, xenhost.Device(index))
}

// xlConfig returns the text of the domain's xl configuration for a boot. The
// user's own lines come last: of two settings of a name, xl takes the later.
func xlConfig(o *options, l *loader, v variant) string {
	lines := []string{
		`name = "domain"`,
		fmt.Sprintf("memory = %d", v.memory),
		"vcpus = 1",
		`on_poweroff = "destroy"`,
		`on_reboot = "destroy"`,
		`on_crash = "destroy"`,
	}
	lines = append(lines, domainTypes[o.mode]...)
	lines = append(lines, l.lines...)
	if extra := commandLine(o, l, v); extra != "" {
		lines = append(lines, "extra = "+quote(extra))
	}
	var disks []string
	for i, d := range o.disks {
		disks = append(disks, quote(d.xlDisk(i)))
	}
	lines = append(lines, "disk = [ "+strings.Join(disks, ", ")+" ]")
	lines = append(lines, o.xl...)
	return strings.Join(lines, "\n") + "\n"
}

// commandLine is what a kernel or loader is told.
func commandLine(o *options, l *loader, v variant) string {
	return strings.TrimSpace(strings.TrimSpace(l.cmdline+" "+o.extra) + " " + v.each)
}

// quote quotes a string for xl, whose strings have no escape for their own
// quotation mark.
func quote(s string) string {
	if strings.Contains(s, `"`) {
		return "'" + s + "'"
	}
	return `"` + s + `"`
}
