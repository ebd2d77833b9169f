package command

import (
	"pvboot/loader/grub"
	"pvboot/loader/grub/grubenv"
)

var envFile = grub.Option{Long: "file", Short: 'f', Arg: "FILE", Help: "Specify filename."}

var skipSig = grub.Option{Long: "skip-sig", Short: 's', Help: "Skip signature-checking of the environment file."}

// openEnv opens and reads the environment block that --file names, or the
// one in $prefix.
func openEnv(c *grub.Call) (*grub.File, []byte, *grubenv.Block, error) {
	name := c.Value("file")
	if !c.Has("file") {
		prefix, ok := c.Env().Lookup("prefix")
		if !ok {
			return nil, nil, nil, grub.Errorf(grub.FileNotFound, "variable `prefix' isn't set")
		}
		name = prefix + "/grubenv"
	}
	f, err := c.Interp.Open(name)
	if err != nil {
		return nil, nil, nil, err
	}
	// One byte more than a block shows that a file is too long.
	raw, err := f.ReadAll(max(grubenv.Size+1, int(min(f.Size(), 1<<16))))
	if err == nil {
		var b *grubenv.Block
		if b, err = grubenv.Parse(raw); err == nil {
			return f, raw, b, nil
		}
		err = grub.Errorf(grub.BadFileType, "`%s': %w", f, err)
	}
	f.Close()
	return nil, nil, nil, err
}
