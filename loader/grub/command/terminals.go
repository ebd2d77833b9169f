package command

import "pvboot/loader/grub"

// terminals are commands that choose and adorn a terminal. A domain has one
// text console, so they have nothing to do, and say that it is done: a
// grub.cfg asks for graphics and falls back to text by itself.
var terminals = []*grub.Command{
	nothing("terminal_input", "[--append|--remove] [TERMINAL...]", "Select an input terminal: there is one."),
	nothing("terminal_output", "[--append|--remove] [TERMINAL...]", "Select an output terminal: there is one."),
	nothing("terminal", "[TERMINAL...]", "Select a terminal: there is one."),
	nothing("serial", "[OPTIONS...]", "Configure a serial port: a domain's console needs none."),
	nothing("loadfont", "FILE...", "Load fonts: a text console needs none."),
	nothing("lsfonts", "", "List the loaded fonts: none."),
	nothing("background_image", "[-m (stretch|normal)] FILE", "Load background image: a text console shows none."),
	nothing("background_color", "COLOR", "Set background color: a text console shows none."),
	nothing("play", "FILE|TEMPO [PITCH1 DURATION1]...", "Play a tune: a domain has no speaker."),
	nothing("videoinfo", "", "List available video modes: none."),
}

func nothing(name, usage, help string) *grub.Command {
	return &grub.Command{
		Name: name, Usage: usage, Help: help, Flags: grub.RawArgs,
		Run: func(*grub.Call) error { return nil },
	}
}
