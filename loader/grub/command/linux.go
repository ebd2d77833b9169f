package command

import (
	"strings"

	"pvboot/loader/grub"
)

// linux is the command under all its names. They differ in the firmware
// that the kernel is handed to, which is the same for every one here.
var linux = []*grub.Command{
	linuxCommand("linux"), linuxCommand("linux16"), linuxCommand("linuxefi"),
}

func linuxCommand(name string) *grub.Command {
	return &grub.Command{
		Name: name, Usage: "FILE [ARGS...]", Help: "Load Linux.",
		Flags: grub.RawArgs, Run: runLinux,
	}
}

// runLinux keeps a kernel and its command line for boot. A kernel that was
// loaded before is forgotten even when this one cannot be opened: what then
// boots must never be something else than the entry asked for.
func runLinux(c *grub.Call) error {
	c.Interp.Unload()
	if len(c.Args) == 0 {
		return grub.Errorf(grub.BadArgument, "filename expected")
	}
	f, err := c.Interp.Open(c.Args[0])
	if err != nil {
		return err
	}
	if f.Size() == 0 {
		f.Close()
		return grub.Errorf(grub.BadOS, "`%s' is empty", f)
	}
	c.Interp.SetKernel(f, "BOOT_IMAGE="+commandLine(c.Args))
	return nil
}

var argQuoter = strings.NewReplacer(`\`, `\\`, `'`, `\'`, `"`, `\"`)

// commandLine joins arguments as GRUB hands them to kernels: backslashes
// before quotes and backslashes, double quotes around arguments with spaces.
func commandLine(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = argQuoter.Replace(a)
		if strings.Contains(a, " ") {
			quoted[i] = `"` + quoted[i] + `"`
		}
	}
	return strings.Join(quoted, " ")
}
