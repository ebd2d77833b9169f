package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"pvboot/internal/tty"
	"pvboot/internal/xenhost/wire"
)

// What xl create -F says about a domain (xl_vmcontrol.c, create_domain).
var (
	saysCreated = regexp.MustCompile(`Waiting for domain \S+ \(domid (\d+)\) to die`)
	saysEnded   = regexp.MustCompile(`has shut down, reason code (\d+)`)
	saysGone    = regexp.MustCompile(`has been destroyed`)
)

// reasons are the SHUTDOWN_ codes of Xen's public/sched.h.
var reasons = map[string]string{"0": "poweroff", "1": "reboot", "2": "suspend", "3": "crash", "4": "watchdog", "5": "soft reset"}

// ttyWait is how long xenconsoled may take to open a new domain's console.
const ttyWait = 30 * time.Second

// runDomain creates, unpauses and follows one domain until it is gone. An
// error means that dom0 cannot go on; a domain that fails is none.
func runDomain(conn *wire.Conn, payload []byte, frames <-chan frame) error {
	var job wire.Job
	if err := json.Unmarshal(payload, &job); err != nil {
		return err
	}
	const config = "/tmp/domain.cfg"
	if err := os.WriteFile(config, []byte(job.Config), 0o644); err != nil {
		return err
	}
	if err := conn.Write(wire.Creating, nil); err != nil {
		return err
	}
	// -F keeps xl in the foreground for the domain's life, which saves asking
	// how the domain does; -p leaves it paused.
	d, err := startXL(conn, "create", "-F", "-p", config)
	if err != nil {
		return err
	}
	d.list = job.List
	end := d.follow(conn, frames, job.Nudge)
	if !end.Created {
		logBootloader(conn)
	}
	return conn.WriteJSON(wire.Ended, end)
}

// logBootloader passes on what xl's bootloader= (pygrub) had to say.
func logBootloader(conn *wire.Conn) {
	files, err := filepath.Glob("/var/log/xen/bootloader.*.log")
	if err != nil {
		return
	}
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && len(text) > 0 {
			_ = conn.Write(wire.Log, fmt.Appendf(nil, "%s: %s", filepath.Base(file), text))
		}
	}
}

// domain is a running xl create and the console of the domain that it made.
type domain struct {
	cmd     *exec.Cmd
	lines   chan string // xl's messages; closed when xl has ended
	id      string
	list    bool // what xenstore holds is listed before the domain runs
	console *os.File
	drained chan struct{} // closed when the console has nothing more to say

	consolePort uint32 // the domain's event channel of its console
	alive       alive
}

func startXL(conn *wire.Conn, args ...string) (*domain, error) {
	d := &domain{cmd: exec.Command("xl", args...), lines: make(chan string, 64)}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	d.cmd.Stdout, d.cmd.Stderr = w, w
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	w.Close()
	go func() {
		defer close(d.lines)
		defer r.Close()
		scanner := bufio.NewScanner(r)
		for scanner.Scan() {
			_ = conn.Write(wire.Log, fmt.Appendf(nil, "xl: %s", scanner.Text()))
			d.lines <- scanner.Text()
		}
	}()
	return d, nil
}

// follow waits for the domain to end while it passes keys to it, and sends it an
// event when it has been silent for longer than limit, unless that is 0.
func (d *domain) follow(conn *wire.Conn, frames <-chan frame, limit time.Duration) wire.End {
	var end wire.End
	var messages []string
	var ticks <-chan time.Time
	if limit > 0 {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		ticks = ticker.C
	}
	for {
		select {
		case now := <-ticks:
			d.wake(conn, now, limit)
		case line, ok := <-d.lines:
			if !ok {
				d.finish(&end, messages)
				return end
			}
			messages = append(messages[max(0, len(messages)-9):], line)
			if m := saysCreated.FindStringSubmatch(line); m != nil {
				d.id, end.Created = m[1], true
				if err := d.unpause(conn); err != nil {
					end.Reason = err.Error()
					d.destroy()
				}
			} else if m := saysEnded.FindStringSubmatch(line); m != nil {
				end.Reason = reasons[m[1]]
			} else if saysGone.MatchString(line) && end.Reason == "" {
				end.Reason = "destroyed"
			}
		case f, ok := <-frames:
			switch {
			case !ok:
				return wire.End{Reason: "the host closed the port"}
			case f.kind == wire.Destroy:
				d.destroy()
			case f.kind == wire.Inspect:
				_ = conn.Write(wire.Where, d.inspect())
			case f.kind == wire.List:
				if err := d.sendListing(conn); err != nil {
					_ = conn.Write(wire.Failed, fmt.Append(nil, err))
				}
			case f.kind == wire.Input && d.console != nil:
				_, _ = d.console.Write(f.payload)
			}
		}
	}
}

// unpause opens the domain's console and lets the domain run.
func (d *domain) unpause(conn *wire.Conn) error {
	if err := conn.Write(wire.Created, nil); err != nil {
		return err
	}
	store, err := dialStore()
	if err != nil {
		return err
	}
	defer store.Close()
	name, err := store.WaitFor("/local/domain/"+d.id+"/console/tty", ttyWait)
	if err != nil {
		return err
	}
	port, err := store.Read("/local/domain/" + d.id + "/console/port")
	if err != nil {
		return err
	}
	if _, err := fmt.Sscan(port, &d.consolePort); err != nil {
		return fmt.Errorf("console/port %q: %w", port, err)
	}
	if d.console, err = openConsole(name); err != nil {
		return err
	}
	d.alive.heard(time.Now())
	d.drained = make(chan struct{})
	go func() {
		defer close(d.drained)
		d.pump(conn, d.console)
	}()
	if err := d.followUART(conn, store); err != nil {
		return err
	}
	if d.list {
		if err := d.sendListing(conn); err != nil {
			return err
		}
	}
	if err := conn.Write(wire.Unpause, nil); err != nil {
		return err
	}
	return exec.Command("xl", "unpause", d.id).Run()
}

// openConsole opens the terminal that xenconsoled has for a console.
func openConsole(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	if _, err := tty.MakeRaw(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// pump passes a console's output on until xenconsoled closes its end.
func (d *domain) pump(conn *wire.Conn, console io.Reader) {
	buf := make([]byte, 16<<10)
	for {
		n, err := console.Read(buf)
		d.alive.heard(time.Now())
		if n > 0 && conn.Write(wire.Output, buf[:n]) != nil {
			return
		}
		if err != nil {
			return
		}
	}
}

func (d *domain) destroy() {
	if d.id == "" {
		_ = d.cmd.Process.Kill()
		return
	}
	_ = exec.Command("xl", "destroy", d.id).Run()
}

// finish waits for xl's exit status and the last of the console's output.
func (d *domain) finish(end *wire.End, messages []string) {
	err := d.cmd.Wait()
	if d.console != nil {
		select {
		case <-d.drained:
		case <-time.After(5 * time.Second):
		}
		d.console.Close()
	}
	if end.Reason == "" {
		end.Reason = strings.Join(messages, "; ")
		if err != nil {
			end.Reason = fmt.Sprintf("xl create: %v: %s", err, end.Reason)
		}
	}
}

// blockScript is Xen's hotplug script for block devices (docs/misc in Xen's
// tree: block-scripts.txt): it tells blkback which device stands behind a
// disk. Here that is always a block device of dom0.
func blockScript(args []string) error {
	path := os.Getenv("XENBUS_PATH")
	if len(args) != 1 || path == "" {
		return fmt.Errorf("want one argument and XENBUS_PATH")
	}
	if args[0] != "add" {
		return nil
	}
	store, err := dialStore()
	if err != nil {
		return err
	}
	defer store.Close()
	device, err := store.Read(path + "/params")
	if err != nil {
		return err
	}
	major, minor, err := deviceNumber(filepath.Clean(device))
	if err != nil {
		_ = store.Write(path+"/hotplug-error", err.Error())
		_ = store.Write(path+"/hotplug-status", "error")
		return err
	}
	for _, w := range [][2]string{
		{"physical-device", fmt.Sprintf("%x:%x", major, minor)},
		{"physical-device-path", device},
		{"hotplug-status", "connected"},
	} {
		if err := store.Write(path+"/"+w[0], w[1]); err != nil {
			return err
		}
	}
	return nil
}
