package command

import (
	"strings"

	"pvboot/loader/grub"
)

// searches are search and its short forms, which take NAME [VARIABLE]
// [HINT...].
var searches = []*grub.Command{
	{
		Name: "search", Usage: "[-f|-l|-u|-s|-n] [--hint HINT [--hint HINT] ...] NAME",
		Help: "Search devices by file, filesystem label or filesystem UUID. If --set is specified, " +
			"the first device found is set to a variable. If no variable name is specified, `root' is used.",
		Options: searchOptions, Flags: grub.AcceptDash, Run: runSearch,
	},
	shortSearch("search.file", "Search devices by a file.", hasFile),
	shortSearch("search.fs_label", "Search devices by a filesystem label.", hasLabel),
	shortSearch("search.fs_uuid", "Search devices by a filesystem UUID.", hasUUID),
}

// hintOptions in the order in which the hints are tried. Those for firmware
// that a domain has not are only guesses here, but good ones: what a hint
// names still has to match.
var hintOptions = []string{"hint", "hint-baremetal", "hint-bios", "hint-efi", "hint-ieee1275", "hint-arc"}

var searchOptions = func() []grub.Option {
	options := []grub.Option{
		{Long: "file", Short: 'f', Help: "Search devices by a file."},
		{Long: "label", Short: 'l', Help: "Search devices by a filesystem label."},
		{Long: "fs-uuid", Short: 'u', Help: "Search devices by a filesystem UUID."},
		{Long: "set", Short: 's', Arg: "VARNAME", Help: "Set a variable to the first device found.", Flags: grub.OptionalArg},
		{Long: "no-floppy", Short: 'n', Help: "Do not probe any floppy drive."},
		{Long: "efidisk-only", Help: "Only probe EFI disks: a domain has none."},
		{Long: "cryptodisk-only", Help: "Only probe encrypted disks: none are read."},
	}
	for _, h := range hintOptions {
		o := grub.Option{Long: h, Arg: "HINT", Flags: grub.Repeatable,
			Help: "First try the device HINT. If HINT ends in comma, also try subpartitions"}
		if h == "hint" {
			o.Short = 'h'
		}
		options = append(options, o)
	}
	return options
}()

// test says whether a device is the one that key means.
type test func(c *grub.Call, d grub.Device, key string) bool

func runSearch(c *grub.Call) error {
	args := c.Args
	for len(args) > 0 && strings.HasPrefix(args[0], "--hint-") {
		args = args[1:] // of platforms still to come
	}
	s := search{call: c, variable: "", show: !c.Has("set")}
	if c.Has("set") {
		if s.variable = c.Value("set"); s.variable == "" {
			s.variable = "root"
		}
	}
	switch {
	case len(args) > 0:
		s.key = args[0]
	case c.Value("set") != "":
		s.key, s.variable = c.Value("set"), "root"
	default:
		return grub.Errorf(grub.BadArgument, "one argument expected")
	}
	switch {
	case c.Has("label"):
		s.test = hasLabel
	case c.Has("fs-uuid"):
		s.test = hasUUID
	case c.Has("file"):
		s.test = hasFile
	default:
		return grub.Errorf(grub.InvalidCommand, "unspecified search type")
	}
	if c.Has("efidisk-only") || c.Has("cryptodisk-only") {
		return s.notFound()
	}
	for _, o := range hintOptions {
		s.hints = append(s.hints, c.Values(o)...)
	}
	return s.run()
}

func shortSearch(name, help string, t test) *grub.Command {
	return &grub.Command{
		Name: name, Usage: "NAME [VARIABLE] [HINTS]", Help: help, Flags: grub.RawArgs,
		Run: func(c *grub.Call) error {
			if len(c.Args) == 0 {
				return grub.Errorf(grub.BadArgument, "one argument expected")
			}
			s := search{call: c, key: c.Args[0], test: t, show: len(c.Args) == 1}
			if !s.show {
				s.variable, s.hints = c.Args[1], c.Args[2:]
			}
			return s.run()
		},
	}
}

// search is one run: without a variable it shows every device that matches,
// with one it sets it to the first.
type search struct {
	call     *grub.Call
	key      string
	test     test
	hints    []string
	variable string
	show     bool

	found []string
}

func (s *search) run() error {
	for _, hint := range s.hints {
		if s.tryHint(hint) {
			break
		}
	}
	if !s.done() {
		for _, d := range s.call.Host().Devices() {
			if s.try(d) {
				break
			}
		}
	}
	switch {
	case len(s.found) == 0:
		return s.notFound()
	case s.show:
		s.call.Printf(" %s\n", strings.Join(s.found, " "))
		return nil
	}
	return s.call.Env().Set(s.variable, s.found[0])
}

func (s *search) notFound() error {
	return grub.Errorf(grub.FileNotFound, "no such device: %s", s.key)
}

// done says that nothing more need be looked at.
func (s *search) done() bool {
	return !s.show && len(s.found) > 0 || s.call.Interp.Stopped()
}

// tryHint tries a device and, when the hint ends in a comma, its partitions.
func (s *search) tryHint(hint string) bool {
	name, parts := strings.CutSuffix(hint, ",")
	d, err := s.call.Interp.Device(name)
	if name == "" || err != nil {
		return false
	}
	if s.try(d) {
		return true
	}
	if parts {
		for _, p := range s.call.Host().Devices() {
			if p.Disk == d.Name && p.Name != d.Name && s.try(p) {
				return true
			}
		}
	}
	return false
}

// try looks at one device.
func (s *search) try(d grub.Device) bool {
	for _, name := range s.found {
		if name == d.Name {
			return false
		}
	}
	if s.test(s.call, d, s.key) {
		s.found = append(s.found, d.Name)
	}
	return s.done()
}

func hasLabel(c *grub.Call, d grub.Device, key string) bool {
	f, err := c.Interp.Mount(d)
	return err == nil && f.Label() != "" && f.Label() == key
}

func hasUUID(c *grub.Call, d grub.Device, key string) bool {
	f, err := c.Interp.Mount(d)
	return err == nil && f.UUID() != "" && strings.EqualFold(f.UUID(), key)
}

func hasFile(c *grub.Call, d grub.Device, key string) bool {
	f, err := c.Interp.Open("(" + d.Name + ")" + key)
	if err != nil {
		return false
	}
	f.Close()
	return true
}
