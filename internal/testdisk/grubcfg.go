package testdisk

import (
	_ "embed"
	"fmt"
	"strings"
	"text/template"
)

// grubConfigText is the shape of what grub-mkconfig of Debian 12 writes on a
// machine with one kernel.
//
//go:embed grub.cfg.tmpl
var grubConfigText string

var grubConfigTemplate = template.Must(template.New("grub.cfg").Parse(grubConfigText))

// grubPartition holds what depends on the partition table.
type grubPartition struct {
	device  string // GRUB's name, without the disk
	modules []string
}

var grubPartitions = map[string]grubPartition{
	"gpt":  {",gpt1", []string{"part_gpt"}},
	"mbr":  {",msdos1", []string{"part_msdos"}},
	"none": {"", nil},
}

// grubConfig returns the disk's grub.cfg.
func (d *disk) grubConfig() string {
	part := grubPartitions[d.Table]
	var out strings.Builder
	err := grubConfigTemplate.Execute(&out, map[string]any{
		"UUID":    d.uuid,
		"Version": d.Kernel.Version,
		"Args":    d.commandLine(),
		"Modules": append(append([]string{}, part.modules...), "ext2"),
		"Root":    "xen/xvda" + part.device,
		"Hint":    fmt.Sprintf("--hint-bios=hd0%[1]s --hint-efi=hd0%[1]s --hint-baremetal=ahci0%[1]s", part.device),
	})
	if err != nil {
		panic(err) // the template is ours
	}
	return out.String()
}

// commandLine returns the kernel's arguments: Debian's, without "quiet", and
// with the console that a Xen guest has.
func (d *disk) commandLine() string {
	return "root=UUID=" + d.uuid + " ro console=hvc0"
}
