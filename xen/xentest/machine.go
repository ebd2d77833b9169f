// Package xentest is Xen in memory: a [Machine] is a [xen.Platform] with guest
// RAM, hypercalls, a xenstore daemon and, for backends that tests write, the
// view from domain 0. It refuses what real Xen refuses, with the same errno,
// and tells by [Machine.Leaks] what the guest left behind.
//
// The machine is a PVH domain of x86, a domain of Arm, or an x86 PV domain, where
// a frame's number says nothing of its place (pv.go).
//
// The daemon's core stands in package xenstored; backends run in goroutines
// that [Machine.Close] waits for. Guest RAM is Go memory, so that the race
// detector sees both ends.
//
// Sources: Xen's public headers; xen/common/event_channel.c, grant_table.c,
// memory.c, domain.c and the two architectures' p2m code for what is refused.
package xentest

import (
	"fmt"
	"sync"
	"time"

	"pvboot/hypercall"
	"pvboot/xen"
	"pvboot/xen/xentest/xenstored"
)

// Config says what kind of machine to make. The zero value is an x86 PVH
// domain on Xen 4.17 with 16 MiB.
type Config struct {
	Pages          int  // RAM in frames of 4 KiB, 4096 if 0
	Arm            bool // Arm's rules: a second mapping is EBUSY, params are read-only
	PV             bool // an x86 PV domain, see pv.go; neither Arm nor Dom0less
	MaxGrantFrames int  // 64 if 0
	Major, Minor   int  // 4 and 17 if 0
	Extra          string
	DomID          xen.DomID // 1 if 0
	NoConsole      bool      // the toolstack gave no console: params are 0
	NoStore        bool      // no xenstore: params are all ones
	// Dom0less makes a domain that Xen itself starts: no console, and of
	// xenstore only the port until ProvideStore and IntroduceStore.
	Dom0less    bool
	StoreIndex  uint32 // where the xenstore ring's indexes start
	NoReconnect bool   // the daemon offers no ring features
	Quota       xenstored.Quota
	// Memory, where set, is where the guest's RAM really lies; see there.
	Memory *Memory
	// Call, where set, sees each hypercall first and may answer it.
	Call func(op hypercall.Op, args []hypercall.Arg) (ret int64, done bool)
	// Reply, where set, turns each packet that the daemon sends to the guest
	// into what really goes onto the ring: nothing, other bytes, several.
	Reply func(raw []byte) [][]byte
}

// Frame numbers of the machine, as a PVH domain sees them: special pages below
// 4 GiB, RAM from 1 MiB on, and room for what the guest maps itself. Those of a
// PV domain stand in pv.go.
const (
	ramBase    = 0x100
	storeGFN   = 0xfefff
	consoleGFN = 0xfeffc
	holeBase   = 0xf0000
	holeEnd    = 0xf8000
)

// Ports that the toolstack made.
const (
	storePort   = 1
	consolePort = 2
)

// Machine is one domain and the Xen beneath it.
type Machine struct {
	c     Config
	start time.Time

	storePage, consolePage []byte // whatever the guest does to its p2m

	mu         sync.Mutex
	ram        ram
	p2m        map[uint64]frame // what is mapped and not RAM; in a PV domain, what it may map
	views      map[*byte]*view  // what a PV domain has mapped
	sharedInfo []byte
	vcpuInfo   uint64              // gfn that it is registered at, 0 for none
	runstate   *hypercall.Runstate // registered area, nil for none
	entered    int64               // system time at which the vcpu last began to run
	grants     grants
	ports      [maxPorts]port
	params     map[hypercall.Param]uint64
	wake       chan struct{} // closed at an event for the guest
	shutdown   *hypercall.ShutdownReason
	violations []string
	baseline   map[string]string
	passing    func() // see timePasses

	store *Store

	stop chan struct{}
	wg   sync.WaitGroup
}

// New makes a machine and starts its xenstore daemon.
func New(c Config) *Machine {
	c = c.withDefaults()
	m := &Machine{
		c: c, start: time.Now(),
		ram:   newRAM(c),
		p2m:   make(map[uint64]frame),
		views: make(map[*byte]*view),
		wake:  make(chan struct{}),
		stop:  make(chan struct{}),
	}
	m.storePage, m.consolePage, m.sharedInfo = alignedPages(1), alignedPages(1), alignedPages(1)
	if !c.Dom0less {
		m.must(m.place(c.storeGFN(), frame{kind: frameSpecial, page: m.storePage}))
		m.must(m.place(c.consoleGFN(), frame{kind: frameSpecial, page: m.consolePage}))
	}
	m.grants.init(c.MaxGrantFrames)
	m.grants.seed(hypercall.GrantConsole, uint32(c.consoleGFN()))
	m.grants.seed(hypercall.GrantXenstore, uint32(c.storeGFN()))
	if c.PV {
		m.p2m[sharedInfoMFN] = frame{kind: frameSharedInfo, page: m.sharedInfo}
		m.showGrantFrames()
	}
	m.ports[storePort] = port{state: hypercall.PortUnbound, toolstack: true}
	m.ports[consolePort] = port{state: hypercall.PortUnbound, toolstack: true}
	m.params = c.params()
	m.store = newStore(m)
	return m
}

func (c Config) withDefaults() Config {
	if c.Memory != nil {
		c.Pages = len(c.Memory.RAM) / xen.PageSize
	}
	if c.Pages == 0 {
		c.Pages = 4096
	}
	if c.MaxGrantFrames == 0 {
		c.MaxGrantFrames = 64
	}
	if c.Major == 0 {
		c.Major, c.Minor, c.Extra = 4, 17, ".7"
	}
	if c.DomID == 0 {
		c.DomID = 1
	}
	return c
}

func (c Config) params() map[hypercall.Param]uint64 {
	p := map[hypercall.Param]uint64{
		hypercall.ParamCallbackIRQ:   0,
		hypercall.ParamStorePFN:      c.storeGFN(),
		hypercall.ParamStoreEvtchn:   storePort,
		hypercall.ParamConsolePFN:    c.consoleGFN(),
		hypercall.ParamConsoleEvtchn: consolePort,
	}
	if c.Dom0less {
		p[hypercall.ParamStorePFN] = ^uint64(0)
	}
	if c.NoConsole || c.Dom0less {
		p[hypercall.ParamConsolePFN], p[hypercall.ParamConsoleEvtchn] = 0, 0
	}
	if c.NoStore {
		p[hypercall.ParamStorePFN], p[hypercall.ParamStoreEvtchn] = ^uint64(0), ^uint64(0)
	}
	return p
}

func (c Config) storeGFN() uint64 {
	switch {
	case c.PV:
		return storeMFN
	case c.Memory != nil:
		return c.Memory.Store
	}
	return storeGFN
}

func (c Config) consoleGFN() uint64 {
	switch {
	case c.PV:
		return consoleMFN
	case c.Memory != nil:
		return c.Memory.Console
	}
	return consoleGFN
}

// Close stops the daemon and the backends and waits for them.
func (m *Machine) Close() {
	close(m.stop)
	m.wg.Wait()
}

// Go runs a backend's goroutine. It must return once stop is closed.
func (m *Machine) Go(run func(stop <-chan struct{})) {
	m.wg.Add(1)
	go func() {
		defer m.wg.Done()
		run(m.stop)
	}()
}

// Store is domain 0's view of xenstore.
func (m *Machine) Store() *Store { return m.store }

// DomID is the number of the guest.
func (m *Machine) DomID() xen.DomID { return m.c.DomID }

// ConsolePage is the console ring (public/io/console.h) as xenconsoled maps
// it.
func (m *Machine) ConsolePage() []byte { return m.consolePage }

// ConsolePort is the guest's console port, to which xenconsoled binds.
func (m *Machine) ConsolePort() xen.Port { return consolePort }

// StorePage is the xenstore ring, for tests that corrupt it.
func (m *Machine) StorePage() []byte { return m.storePage }

// ShutdownReason tells whether and why the guest shut down.
func (m *Machine) ShutdownReason() (hypercall.ShutdownReason, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.shutdown == nil {
		return 0, false
	}
	return *m.shutdown, true
}

// must stops a program whose Config asks for what is impossible.
func (m *Machine) must(err error) {
	if err != nil {
		panic(err)
	}
}

// maxViolations bounds what a guest that does nothing else can make of this list.
const maxViolations = 100

// violation records something that a guest must not do, though Xen lets it.
// With mu held.
func (m *Machine) violation(format string, args ...any) {
	if len(m.violations) >= maxViolations {
		return
	}
	m.violations = append(m.violations, fmt.Sprintf(format, args...))
}

// event wakes the guest's polls. With mu held.
func (m *Machine) event() {
	close(m.wake)
	m.wake = make(chan struct{})
}

// SystemTime is the machine's age in nanoseconds.
func (m *Machine) SystemTime() int64 { return int64(time.Since(m.start)) }
