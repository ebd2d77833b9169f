package command

import (
	"fmt"
	iofs "io/fs"
	"strings"

	"pvboot/loader/grub"
)

var ls = &grub.Command{
	Name: "ls", Usage: "[-l|-h|-a] [FILE ...]", Help: "List devices and files.",
	Options: []grub.Option{
		{Long: "long", Short: 'l', Help: "Show a long list with more detailed information."},
		{Long: "human-readable", Short: 'h', Help: "Print sizes in a human readable format."},
		{Long: "all", Short: 'a', Help: "List all files."},
	},
	Run: runLs,
}

func runLs(c *grub.Call) error {
	if len(c.Args) == 0 {
		listDevices(c)
		return nil
	}
	for _, name := range c.Args {
		d, file, err := c.Interp.Path(name)
		if err != nil {
			return err
		}
		if file == "" {
			showDevice(c, d)
			continue
		}
		if err := listFiles(c, name); err != nil {
			return err
		}
	}
	return nil
}

func listDevices(c *grub.Call) {
	for _, d := range c.Host().Devices() {
		if c.Has("long") {
			showDevice(c, d)
		} else {
			c.Printf("(%s) ", d.Name)
		}
	}
	c.Printf("\n")
}

// showDevice shows a device in one line.
func showDevice(c *grub.Call, d grub.Device) {
	kind := "Device"
	if d.PartMap != "" {
		kind = "Partition"
	}
	c.Printf("%s %s: ", kind, d.Name)
	if f, err := c.Interp.Mount(d); err == nil {
		c.Printf("Filesystem type %s", f.Type())
		if f.Label() != "" {
			c.Printf(" - Label `%s'", f.Label())
		}
		if f.UUID() != "" {
			c.Printf(", UUID %s", f.UUID())
		}
	} else {
		c.Printf("No known filesystem detected")
	}
	c.Printf(" - Total size %d sectors\n", d.Size/512)
}

// listFiles lists a folder, or one file.
func listFiles(c *grub.Call, name string) error {
	info, err := c.Interp.Stat(name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		listFile(c, name[strings.LastIndexByte(name, '/')+1:], info)
		c.Printf("\n")
		return nil
	}
	list, err := c.Interp.ReadDir(name)
	if err != nil {
		return err
	}
	for _, e := range list {
		if strings.HasPrefix(e.Name(), ".") && !c.Has("all") {
			continue
		}
		// Links are followed where that works, as GRUB does.
		info, err := c.Interp.Stat(strings.TrimSuffix(name, "/") + "/" + e.Name())
		if err != nil {
			info, err = e.Info()
		}
		if err != nil {
			info = nil
		}
		listFile(c, e.Name(), info)
	}
	c.Printf("\n")
	return nil
}

// listFile shows one file; info is nil where nothing is known of it.
func listFile(c *grub.Call, name string, info iofs.FileInfo) {
	dir := info != nil && info.IsDir()
	if dir {
		name += "/"
	}
	if !c.Has("long") {
		c.Printf("%s ", name)
		return
	}
	size, time := "????????????", ""
	switch {
	case dir:
		size = "DIR"
	case info != nil && c.Has("human-readable"):
		size = humanSize(info.Size())
	case info != nil:
		size = fmt.Sprint(info.Size())
	}
	if info != nil && !info.ModTime().IsZero() {
		time = info.ModTime().UTC().Format(" 20060102150405 ")
	}
	c.Printf("%-12s%s%s\n", size, time, name)
}

// humanSize is a size with a binary unit: "1.50M".
func humanSize(n int64) string {
	v, units := float64(n), "BKMGTPE"
	i := 0
	for v >= 1024 && i < len(units)-1 {
		v /= 1024
		i++
	}
	if i == 0 {
		return fmt.Sprintf("%dB", n)
	}
	return fmt.Sprintf("%.2f%c", v, units[i])
}
