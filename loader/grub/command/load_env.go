package command

import (
	"slices"

	"pvboot/loader/grub"
)

var loadEnv = &grub.Command{
	Name:    "load_env",
	Usage:   "[-f FILE] [-s|--skip-sig] [variable_name_to_whitelist] [...]",
	Help:    "Load variables from environment block file.",
	Options: []grub.Option{envFile, skipSig},
	Run:     runLoadEnv,
}

func runLoadEnv(c *grub.Call) error {
	f, _, block, err := openEnv(c)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, v := range block.Vars() {
		if len(c.Args) > 0 && !slices.Contains(c.Args, v.Name) {
			continue
		}
		if err := c.Env().Set(v.Name, v.Value); err != nil {
			return err
		}
	}
	return nil
}
