package command

import "pvboot/loader/grub"

var listEnv = &grub.Command{
	Name: "list_env", Usage: "[-f FILE]", Help: "List variables from environment block file.",
	Options: []grub.Option{envFile, skipSig},
	Run:     runListEnv,
}

func runListEnv(c *grub.Call) error {
	f, _, block, err := openEnv(c)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, v := range block.Vars() {
		c.Printf("%s=%s\n", v.Name, v.Value)
	}
	return nil
}
