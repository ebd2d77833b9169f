package testdisk

import (
	"cmp"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"text/template"
)

// grubConfigText is the shape of what grub-mkconfig of Debian 12 writes on a
// machine with one kernel.
//
//go:embed grub.cfg.tmpl
var grubConfigText string

var grubConfigTemplate = template.Must(template.New("grub.cfg").Parse(grubConfigText))

// customConfigText has the entries of Config.Codecs, where grub-mkconfig's
// 41_custom looks for more of them.
//
//go:embed custom.cfg.tmpl
var customConfigText string

var customConfigTemplate = template.Must(template.New("custom.cfg").
	Funcs(template.FuncMap{"inc": func(i int) int { return i + 1 }}).Parse(customConfigText))

// grubConfigData fills the templates in.
type grubConfigData struct {
	UUID    string // of the filesystem
	Version string // of the kernel
	Kernel  string // its file
	Args    string // the kernel's arguments
	Codecs  []string
	modules []string
	device  string // GRUB's name of the partition, without the disk
}

// grubDevices names the partition in each kind of table as GRUB does.
var grubDevices = map[string]string{"gpt": ",gpt1", "mbr": ",msdos1", "none": ""}

// grubModules are the modules that GRUB needs for each kind of table.
var grubModules = map[string][]string{"gpt": {"part_gpt"}, "mbr": {"part_msdos"}}

// Load returns the lines that find the filesystem, as grub-mkconfig_lib has
// them. Their hints are those of a disk image that was made on another
// machine, as Debian's cloud images are: in a Xen guest there is no disk hd0,
// so the filesystem must really be searched for.
func (d grubConfigData) Load(indent string) string {
	const search = "search --no-floppy --fs-uuid --set=root "
	var lines []string
	for _, module := range append(slices.Clone(d.modules), "ext2") {
		lines = append(lines, "insmod "+module)
	}
	root := "hd0" + d.device
	lines = append(lines,
		"set root='"+root+"'",
		"if [ x$feature_platform_search_hint = xy ]; then",
		fmt.Sprintf("  %[1]s--hint-bios=%[2]s --hint-efi=%[2]s --hint-baremetal=ahci0%[3]s  %[4]s", search, root, d.device, d.UUID),
		"else",
		"  "+search+d.UUID,
		"fi")
	return indent + strings.Join(lines, "\n"+indent) + "\n"
}

// grubConfig returns the disk's grub.cfg.
func (d *disk) grubConfig() string { return d.execute(grubConfigTemplate) }

// customConfig returns the disk's custom.cfg.
func (d *disk) customConfig() string { return d.execute(customConfigTemplate) }

func (d *disk) execute(t *template.Template) string {
	var out strings.Builder
	err := t.Execute(&out, grubConfigData{
		UUID:    d.uuid,
		Version: d.Kernel.Version,
		Kernel:  d.kernelFile(),
		Args:    d.commandLine(),
		Codecs:  d.Codecs,
		modules: grubModules[d.Table],
		device:  grubDevices[d.Table],
	})
	if err != nil {
		panic(err) // the templates are ours
	}
	return out.String()
}

// commandLine returns the kernel's arguments: Debian's, without "quiet", and
// with a console.
func (d *disk) commandLine() string {
	arch := architectures[d.Arch]
	return "root=UUID=" + d.uuid + " ro console=" + cmp.Or(d.Console, arch.console) + arch.args
}
