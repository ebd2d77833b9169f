// Dom0init is the init process of the rig's dom0, and Xen's hotplug script for
// block devices. It brings up what xl needs (xenfs, xenstored, xenconsoled),
// and then creates, unpauses and destroys domains as the rig on the host
// tells it over a virtio-serial port; see package wire.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"pvboot/internal/xenhost/wire"
)

// portName is the name that the rig gives the virtio-serial port.
const portName = "rig"

func main() {
	if filepath.Base(os.Args[0]) == "block" {
		if err := blockScript(os.Args[1:]); err != nil {
			fmt.Fprintf(os.Stderr, "block: %v\n", err)
			os.Exit(1)
		}
		return
	}
	// When init returns the kernel panics, and panic=1 ends QEMU.
	fmt.Fprintf(os.Stderr, "dom0: %v\n", run())
}

// run brings dom0 up and serves the rig; it returns why it cannot go on.
func run() error {
	if err := mountAll(); err != nil {
		return err
	}
	if err := addEntropy(); err != nil {
		return err
	}
	if err := insertModules(); err != nil {
		return err
	}
	port, err := openPort(portName)
	if err != nil {
		return err
	}
	conn := wire.NewConn(port)
	err = serve(conn)
	_ = conn.Write(wire.Failed, fmt.Append(nil, err))
	// Let the host read it before the kernel panics.
	time.Sleep(time.Second)
	return err
}

func serve(conn *wire.Conn) error {
	if err := startDaemons(conn); err != nil {
		return err
	}
	if err := conn.Write(wire.Ready, nil); err != nil {
		return err
	}
	frames := make(chan frame)
	go readFrames(conn, frames)
	for f := range frames {
		switch f.kind {
		case wire.Start:
			if err := runDomain(conn, f.payload, frames); err != nil {
				return err
			}
		case wire.Input, wire.Destroy, wire.Inspect, wire.List:
			// For a domain that has just ended.
		default:
			return fmt.Errorf("unexpected frame %q", f.kind)
		}
	}
	return fmt.Errorf("the host closed the port")
}

type frame struct {
	kind    wire.Type
	payload []byte
}

func readFrames(conn *wire.Conn, frames chan<- frame) {
	defer close(frames)
	for {
		kind, payload, err := conn.Read()
		if err != nil {
			return
		}
		frames <- frame{kind, payload}
	}
}
