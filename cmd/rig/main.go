// Rig boots real Xen in QEMU, creates a domain in it with any loader and any
// disks, and follows the domain's console; and it makes such disks. It needs
// neither root nor KVM.
//
//	go run ./cmd/rig disk DISK
//	go run ./cmd/rig boot DISK
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1 // an expectation was not met
	exitUsage  = 2
)

const usageText = `usage: rig boot [options] DISK...    boot a domain from disks in real Xen
       rig disk [options] OUT        make a disk with a Debian kernel
Run rig boot -h or rig disk -h for the options.
`

// usageError is bad use of the command line.
type usageError struct{ error }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

func main() { os.Exit(rig()) }

func rig() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	return run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}

func run(ctx context.Context, args []string, stdin *os.File, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usageText)
		return exitUsage
	}
	var err error
	switch args[0] {
	case "boot":
		err = boot(ctx, args[1:], stdin, stdout, stderr)
	case "disk":
		err = makeDisk(ctx, args[1:], stderr)
	case "help", "-h", "-help", "--help":
		fmt.Fprint(stdout, usageText)
	default:
		fmt.Fprintf(stderr, "rig: %s: no such command\n%s", args[0], usageText)
		return exitUsage
	}
	var usage usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "rig %s: %v\n", args[0], err)
		return exitUsage
	}
	fmt.Fprintf(stderr, "rig %s: %v\n", args[0], err)
	return exitFailed
}

// parse parses flags; what is wrong with them is bad use.
func parse(f *flag.FlagSet, args []string, stderr io.Writer) error {
	f.SetOutput(stderr)
	err := f.Parse(args)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		// The flag package has said it, with the list of flags.
		return usageError{err}
	}
	return err
}
