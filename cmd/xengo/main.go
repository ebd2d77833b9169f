// Xengo builds Go programs as Xen guests with the stock Go toolchain, and runs
// them and their packages' tests in QEMU.
//
// It makes an overlay from the user's own GOROOT (internal/overlay), lets the
// go command build with it, and makes what Xen takes of the result: an ELF file
// with Xen's notes (internal/xenelf), or a Linux Image (internal/linuximage). A
// program becomes a guest by importing pvboot/guest.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// Exit codes: 0 for success, 1 for a build, program or test that failed, 2
// for bad use.
const (
	exitOK    = 0
	exitFail  = 1
	exitUsage = 2
)

// command is one word after xengo.
type command struct {
	name  string
	args  string // as in the usage line
	short string // one line of help
	long  string // the rest of it
	run   func(c *command, args []string) error
}

var commands = []*command{
	buildCommand, runCommand, testCommand, execCommand,
}

// errUsage is bad use that has been explained already.
var errUsage = errors.New("bad use")

// exitError is a program that ended with a status of its own.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit status %d", e.code) }

func main() { os.Exit(xengo(os.Args[1:], os.Stdout, os.Stderr)) }

// xengo runs a command line and returns the exit code.
func xengo(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		usage(stderr)
		return exitUsage
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		usage(stdout)
		return exitOK
	}
	for _, c := range commands {
		if c.name != args[0] {
			continue
		}
		err := c.run(c, args[1:])
		var exit *exitError
		switch {
		case err == nil:
			return exitOK
		case errors.Is(err, flag.ErrHelp):
			c.help(stdout)
			return exitOK
		case errors.Is(err, errUsage):
			fmt.Fprintf(stderr, "usage: xengo %s %s\n", c.name, c.args)
			return exitUsage
		case errors.As(err, &exit):
			return exit.code
		}
		fmt.Fprintf(stderr, "xengo: %v\n", err)
		return exitFail
	}
	fmt.Fprintf(stderr, "xengo: unknown command %q\nRun 'xengo help' for usage.\n", args[0])
	return exitUsage
}

func usage(w io.Writer) {
	fmt.Fprint(w, "Xengo builds Go programs as Xen guests.\n\nUsage:\n\n")
	for _, c := range commands {
		fmt.Fprintf(w, "\txengo %s %s\n\t\t%s\n", c.name, c.args, c.short)
	}
	fmt.Fprint(w, "\nRun 'xengo COMMAND -h' for its flags. The cache folder is $XENGO_CACHE, or xengo\n"+
		"in the user's cache folder.\n")
}

func (c *command) help(w io.Writer) {
	fmt.Fprintf(w, "usage: xengo %s %s\n\n%s\n", c.name, c.args, c.long)
}

// flags returns a flag set for the command that reports by error.
func (c *command) flags() *flag.FlagSet {
	f := flag.NewFlagSet("xengo "+c.name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	return f
}

// parse parses args and turns what is wrong into errUsage, said on stderr.
func (c *command) parse(f *flag.FlagSet, args []string) error {
	err := f.Parse(args)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return err
	}
	fmt.Fprintf(os.Stderr, "xengo %s: %v\n", c.name, err)
	return errUsage
}
