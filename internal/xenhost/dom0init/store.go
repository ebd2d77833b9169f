package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"
)

// Message types and limits of the xenstore protocol (Xen's
// public/io/xs_wire.h).
const (
	xsDirectory  = 1
	xsRead       = 2
	xsWatch      = 4
	xsWrite      = 11
	xsWatchEvent = 15
	xsError      = 16

	xsPayloadMax = 4096
	xsHeaderLen  = 16
)

const storeSocket = "/run/xenstored/socket"

// errNoEntry is returned for a node that does not exist.
var errNoEntry = errors.New("ENOENT")

// store is a connection to xenstored over its unix socket.
type store struct {
	conn net.Conn
}

func dialStore() (*store, error) {
	conn, err := net.Dial("unix", storeSocket)
	if err != nil {
		return nil, err
	}
	return &store{conn}, nil
}

func (s *store) Close() error { return s.conn.Close() }

// Read returns the value of a node.
func (s *store) Read(path string) (string, error) { return s.call(xsRead, path+"\x00") }

// Directory returns the names of a node's children.
func (s *store) Directory(path string) ([]string, error) {
	names, err := s.call(xsDirectory, path+"\x00")
	if names = strings.TrimRight(names, "\x00"); names == "" {
		return nil, err
	}
	return strings.Split(names, "\x00"), err
}

// Write sets the value of a node.
func (s *store) Write(path, value string) error {
	_, err := s.call(xsWrite, path+"\x00"+value)
	return err
}

// WaitFor returns the value of a node, waiting until it exists and is not
// empty.
func (s *store) WaitFor(path string, timeout time.Duration) (string, error) {
	if err := s.conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return "", err
	}
	if _, err := s.call(xsWatch, path+"\x00wait\x00"); err != nil {
		return "", err
	}
	for {
		value, err := s.Read(path)
		if err == nil && value != "" {
			return value, s.conn.SetDeadline(time.Time{})
		}
		if err != nil && !errors.Is(err, errNoEntry) {
			return "", err
		}
		kind, _, err := s.receive()
		if err != nil {
			return "", fmt.Errorf("wait for %s: %w", path, err)
		}
		if kind != xsWatchEvent {
			return "", fmt.Errorf("xenstored: unexpected message %d", kind)
		}
	}
}

// call sends a request and returns its reply, passing over watch events.
func (s *store) call(kind uint32, payload string) (string, error) {
	msg := make([]byte, xsHeaderLen, xsHeaderLen+len(payload))
	binary.NativeEndian.PutUint32(msg[0:], kind)
	binary.NativeEndian.PutUint32(msg[12:], uint32(len(payload)))
	if _, err := s.conn.Write(append(msg, payload...)); err != nil {
		return "", err
	}
	path, _, _ := strings.Cut(payload, "\x00")
	for {
		got, reply, err := s.receive()
		switch {
		case err != nil:
			return "", fmt.Errorf("xenstored: %s: %w", path, err)
		case got == xsError && strings.TrimRight(reply, "\x00") == "ENOENT":
			return "", fmt.Errorf("%s: %w", path, errNoEntry)
		case got == xsError:
			return "", fmt.Errorf("xenstored: %s: %s", path, strings.TrimRight(reply, "\x00"))
		case got == kind:
			return reply, nil
		case got != xsWatchEvent:
			return "", fmt.Errorf("xenstored: unexpected message %d", got)
		}
	}
}

func (s *store) receive() (kind uint32, payload string, err error) {
	var head [xsHeaderLen]byte
	if _, err := io.ReadFull(s.conn, head[:]); err != nil {
		return 0, "", err
	}
	n := binary.NativeEndian.Uint32(head[12:])
	if n > xsPayloadMax {
		return 0, "", fmt.Errorf("reply of %d bytes", n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(s.conn, body); err != nil {
		return 0, "", err
	}
	return binary.NativeEndian.Uint32(head[0:]), string(body), nil
}

// deviceNumber returns the numbers of a block device.
func deviceNumber(name string) (major, minor uint32, err error) {
	var st syscall.Stat_t
	if err := syscall.Stat(name, &st); err != nil {
		return 0, 0, fmt.Errorf("stat %s: %w", name, err)
	}
	if st.Mode&syscall.S_IFMT != syscall.S_IFBLK {
		return 0, 0, fmt.Errorf("%s is no block device", name)
	}
	// The layout of Linux's dev_t.
	dev := uint64(st.Rdev)
	major = uint32(dev>>8&0xfff | dev>>32&^0xfff)
	minor = uint32(dev&0xff | dev>>12&^0xff)
	return major, minor, nil
}
