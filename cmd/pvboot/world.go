package main

import (
	"errors"
	"io"

	"pvboot/guest"
	"pvboot/hypercall"
	"pvboot/loader"
	"pvboot/loader/image"
	"pvboot/loader/term"
	"pvboot/xen"
)

// A world is what lies below the loader: Xen, or nothing but a machine.
type world interface {
	// String is what the loader says it runs on.
	String() string
	// console is where the user is.
	console() terminal
	// disks lists the loader's disks. What is wrong with one is told to text.
	disks(text io.Writer) []loader.Disk
	// guestLoader is the file name of a boot loader that a guest may bring, ""
	// where that is not asked for.
	guestLoader() string
	// busy is memory that must stay as it is until a kernel is entered, besides
	// the loader's own.
	busy() []image.Range
	// giveBack undoes all that was acquired but the console; the error says what
	// is left.
	giveBack(text io.Writer) error
}

// terminal is a console that ends before the next kernel begins.
type terminal interface {
	term.Console
	io.Closer
	// Raw returns a writer for the runtime's own output.
	Raw() func(p []byte)
}

// findWorld looks what there is.
func findWorld() (world, error) {
	d, err := xen.New(guest.Platform())
	switch {
	case errors.Is(err, hypercall.ErrNoSys):
		return newMachine()
	case err != nil:
		return nil, err
	}
	return newDomain(d)
}
