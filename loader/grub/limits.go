package grub

// Limits bound what a script may use. Zero fields take the defaults.
type Limits struct {
	Depth  int // nesting of commands and calls; default 64, GRUB's own
	Steps  int // about the commands run by one call of Run, RunLine or RunEntry; default 500 000
	Source int // bytes of a configuration file; default 1 MiB
	Word   int // bytes of one expanded word or variable; default 128 KiB
	Memory int // bytes of all variables, of one command's words, of a menu; default 1 MiB
	Menu   int // entries of one menu; default 4096
}

// maxContexts bounds menus inside menus.
const maxContexts = 16

// maxFunctions bounds the functions that scripts define.
const maxFunctions = 4096

func (l Limits) withDefaults() Limits {
	def := Limits{Depth: 64, Steps: 500_000, Source: 1 << 20, Word: 128 << 10, Memory: 1 << 20, Menu: 4096}
	for _, f := range []struct{ v, d *int }{
		{&l.Depth, &def.Depth}, {&l.Steps, &def.Steps}, {&l.Source, &def.Source},
		{&l.Word, &def.Word}, {&l.Memory, &def.Memory}, {&l.Menu, &def.Menu},
	} {
		if *f.v <= 0 {
			*f.v = *f.d
		}
	}
	return l
}
