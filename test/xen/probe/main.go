// Command probe is a Xen guest that tries package xen and its parts against
// the hypervisor and the xenstore daemon that it runs on, where the unit tests
// have xentest's. It prints one line for each thing that is not as it should
// be, and "probe: passed" when there is none.
package main

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"pvboot/console"
	"pvboot/guest"
	"pvboot/hypercall"
	"pvboot/internal/shm"
	"pvboot/xen"
	"pvboot/xen/xenbus"
	"pvboot/xen/xenstore"
)

const patient = 30 * time.Second

var failed bool

// want complains unless err is what was wanted; nil wants success.
func want(what string, err, wanted error) {
	if !errors.Is(err, wanted) {
		failed = true
		fmt.Printf("probe: %s: %v, wanted %v\n", what, err, wanted)
	}
}

// equal complains unless got is what was wanted.
func equal[T any](what string, got, wanted T) {
	if fmt.Sprint(got) != fmt.Sprint(wanted) {
		failed = true
		fmt.Printf("probe: %s: %v, wanted %v\n", what, got, wanted)
	}
}

func main() {
	p := guest.Platform()
	// The second round finds what the first one left.
	for range 2 {
		d, err := xen.New(p)
		if err != nil {
			panic(err)
		}
		con, err := console.Open(d)
		if err != nil {
			panic(err)
		}
		guest.SetConsole(con.Raw())
		if s, err := d.Store(); err != nil {
			want("store", err, nil)
		} else {
			values(s)
			transactions(s)
			watches(s)
			together(s)
		}
		devices(d)
		ports(d)
		grants(d)
		sharedInfo(d)
		// The last words of a domain whose console is closed below.
		if err := leave(d); err != nil {
			failed = true
			fmt.Println("probe:", err)
		}
		want("console", con.Close(), nil)
		if err := d.Close(); err != nil {
			panic(err)
		}
	}
	d, err := xen.New(p)
	if err != nil {
		panic(err)
	}
	con, err := console.Open(d)
	if err != nil {
		panic(err)
	}
	guest.SetConsole(con.Raw())
	vcpuInfo(d) // the last thing: no domain can be closed after it
	if failed {
		os.Exit(1)
	}
	fmt.Println("probe: passed on Xen", d.Version())
}

func values(s *xenstore.Client) {
	want("write", s.Write("data/probe/a", "x\x00y"), nil)
	v, err := s.Read("data/probe/a")
	want("read", err, nil)
	equal("read", v, "x\x00y")
	want("mkdir", s.Mkdir("data/probe/b/c"), nil)
	names, err := s.Directory("data/probe")
	want("directory", err, nil)
	slices.Sort(names)
	equal("directory", names, []string{"a", "b"})
	_, err = s.Read("data/none")
	want("read nothing", err, iofs.ErrNotExist)
	want("write to domain 0", s.Write("/local/domain/0/probe", "x"), iofs.ErrPermission)
	want("bad path", s.Write("data//x", "x"), iofs.ErrInvalid)
	want("too long a value", s.Write("data/probe/a", strings.Repeat("x", 3000)), xenstore.ENOSPC)
	perms, err := s.GetPerms("data/probe/a")
	want("get perms", err, nil)
	perms = append(perms, xenstore.Perm{Dom: 0, Access: xenstore.AccessRead})
	want("set perms", s.SetPerms("data/probe/a", perms...), nil)
	again, err := s.GetPerms("data/probe/a")
	want("get perms", err, nil)
	equal("perms", again, perms)
	want("rm", s.Rm("data/probe"), nil)
	want("rm again", s.Rm("data/probe"), nil)
	want("rm without parent", s.Rm("data/probe/b/c"), iofs.ErrNotExist)
}

func transactions(s *xenstore.Client) {
	tries := 0
	err := s.Update(func(tx *xenstore.Tx) error {
		tries++
		_, err := tx.Read("data/probe")
		if err != nil && !errors.Is(err, iofs.ErrNotExist) {
			return err
		}
		if tries == 1 { // in between, outside the transaction
			if err := s.Write("data/probe", "first"); err != nil {
				return err
			}
		}
		return tx.Write("data/probe", "second")
	})
	want("update", err, nil)
	equal("tries", tries, 2)
	v, err := s.Read("data/probe")
	want("read", err, nil)
	equal("committed", v, "second")
	tx, err := s.Begin()
	want("begin", err, nil)
	want("write", tx.Write("data/probe", "dropped"), nil)
	want("drop", tx.Close(), nil)
	v, _ = s.Read("data/probe")
	equal("dropped", v, "second")
	_, err = s.Begin() // left to the domain's Close
	want("begin", err, nil)
	want("rm", s.Rm("data/probe"), nil)
}

func watches(s *xenstore.Client) {
	w, err := s.Watch("data/probe")
	if err != nil {
		want("watch", err, nil)
		return
	}
	next := func(wanted string) {
		e, err := w.Next(patient)
		want("event", err, nil)
		equal("event", e, wanted)
	}
	next("data/probe")
	want("write", s.Write("data/probe/x", "y"), nil)
	next("data/probe/x")
	want("rm", s.Rm("data/probe"), nil)
	next("data/probe")
	_, err = w.Next(10 * time.Millisecond)
	want("no event", err, xen.ErrTimeout)
	want("unwatch", w.Close(), nil)
	_, err = s.Watch("data/left") // left to the domain's Close
	want("watch", err, nil)
}

// together has several requests on the ring, of one goroutine and of many.
func together(s *xenstore.Client) {
	var pairs []xenstore.Pair
	var paths []string
	for i := range 30 {
		p := xenstore.Pair{Path: fmt.Sprintf("data/probe/%d", i), Value: strings.Repeat(fmt.Sprint(i), 50)}
		pairs, paths = append(pairs, p), append(paths, p.Path)
	}
	want("write all", s.WriteAll(pairs...), nil)
	values, errs := s.ReadAll(paths...)
	for i, p := range pairs {
		want("read all", errs[i], nil)
		equal("read all", values[i], p.Value)
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for range 10 {
				v, err := s.Read(paths[g])
				want("read at once", err, nil)
				equal("read at once", v, pairs[g].Value)
			}
		})
	}
	wg.Wait()
	want("rm", s.Rm("data/probe"), nil)
}

func devices(d *xen.Domain) {
	devs, errs := xenbus.Devices(d, "vbd")
	equal("device errors", errs, nil)
	equal("devices", len(devs) > 0, true)
	for _, dev := range devs {
		_, err := dev.WaitBackend(patient, xenbus.InitWait)
		want("backend", err, nil)
		keys, err := dev.BackendKeys("online", "frontend-id", "no-such-key")
		want("backend keys", err, nil)
		equal("backend keys", len(keys), 2)
	}
}

func ports(d *xen.Domain) {
	c, err := d.AllocUnbound(0)
	if err != nil {
		want("port", err, nil)
		return
	}
	want("notify", c.Notify(), nil)
	st, err := hypercall.EvtchnStatus(d.Platform(), c.Port())
	want("status", err, nil)
	equal("status", st.Status, hypercall.PortUnbound)
	want("close", c.Close(), nil)
	st, err = hypercall.EvtchnStatus(d.Platform(), c.Port())
	want("status", err, nil)
	equal("status", st.Status, hypercall.PortClosed)
	want("notify a closed port", c.Notify(), hypercall.ErrInvalid)
	_, err = d.AllocUnbound(0) // left to the domain's Close
	want("port", err, nil)
}

// grants needs several frames of the grant table.
func grants(d *xen.Domain) {
	frames, err := d.Platform().AllocFrames(4)
	if err != nil {
		want("frames", err, nil)
		return
	}
	_, err = d.GrantPages(0, frames, false) // left to the domain's Close
	want("grant pages", err, nil)
	g, err := d.AllocGrants(0, 2000)
	if err != nil {
		want("2000 grants", err, nil)
		return
	}
	gfn, _ := d.Platform().GFN(frames)
	for i := range g.Len() {
		want("permit", g.Permit(i, gfn, true), nil)
	}
	want("close grants", g.Close(), nil)
}

// sharedInfo maps the page as often as the rules of this Xen allow.
func sharedInfo(d *xen.Domain) {
	i, err := d.MapSharedInfo()
	if err != nil {
		want("shared_info", err, nil)
		return
	}
	// Pending bits of the ports that were used so far: nobody clears them.
	pending := false
	for off := 0; off < xen.PageSize; off += 4 {
		pending = pending || shm.Load(i.Page, off) != 0
	}
	equal("shared_info has contents", pending, true)
	_, err = d.MapSharedInfo()
	want("shared_info twice", err, hypercall.ErrBusy)
	if runtime.GOARCH == "arm64" {
		gfn, err := d.Platform().Hole(1)
		want("hole", err, nil)
		want("shared_info elsewhere", hypercall.MemoryAddToPhysmap(d.Platform(), hypercall.SpaceSharedInfo, 0, gfn), hypercall.ErrBusy)
		want("grant frame elsewhere", hypercall.MemoryAddToPhysmap(d.Platform(), hypercall.SpaceGrantTable, 0, gfn), hypercall.ErrBusy)
		want("nothing there", hypercall.MemoryRemoveFromPhysmap(d.Platform(), gfn), hypercall.ErrNotExist)
	}
	want("unmap shared_info", i.Close(), nil)
	gone := error(hypercall.ErrNotExist)
	if d.Platform().StartInfo() != nil { // a PV domain's frames stand at no gfn
		gone = hypercall.ErrAccess
		want("shared_info at a gfn", hypercall.MemoryAddToPhysmap(d.Platform(), hypercall.SpaceSharedInfo, 0, 1), gone)
		_, err := hypercall.HVMGetParam(d.Platform(), hypercall.ParamStorePFN)
		equal("an HVM parameter in a PV domain", err != nil, true)
	}
	want("shared_info is gone", hypercall.MemoryRemoveFromPhysmap(d.Platform(), i.GFN), gone)
	_, err = d.MapSharedInfo() // left to the domain's Close
	want("shared_info again", err, nil)
}

// vcpuInfo registers the vcpu_info of this processor, against the rules that
// Xen has for it, and wants Close to refuse from then on.
func vcpuInfo(d *xen.Domain) {
	p := d.Platform()
	frame, err := p.AllocFrames(1)
	if err != nil {
		want("frames", err, nil)
		return
	}
	gfn, _ := p.GFN(frame)
	want("vcpu_info across frames", hypercall.VCPURegisterInfo(p, 0, gfn, xen.PageSize-8), hypercall.ErrNxio)
	want("vcpu_info misaligned", hypercall.VCPURegisterInfo(p, 0, gfn, 4), hypercall.ErrNxio)
	_, err = d.Resident().VCPUInfo(9999)
	want("vcpu_info of no vcpu", err, hypercall.ErrNotExist)
	i, err := d.Resident().VCPUInfo(0)
	if err != nil {
		want("vcpu_info", err, nil)
		return
	}
	equal("vcpu_info: events pending", shm.Load(i.Bytes, hypercall.VCPUInfoUpcallPending)&0xff, 1)
	equal("vcpu_info: selector", shm.Load(i.Bytes, hypercall.VCPUInfoPendingSel), ^uint32(0))
	again, err := d.Resident().VCPUInfo(0)
	want("vcpu_info once more", err, nil)
	equal("the same vcpu_info", again == i, true)
	refused := hypercall.ErrBusy
	if v := d.Version(); v.Major == 4 && v.Minor < 18 {
		refused = hypercall.ErrInvalid
	}
	want("vcpu_info registered twice", hypercall.VCPURegisterInfo(p, 0, gfn, 0), refused)
	next, err := xen.New(p)
	if err != nil {
		panic(err)
	}
	_, err = next.Resident().VCPUInfo(0)
	want("vcpu_info of the next program", err, refused)
	_, ok := errors.AsType[*xen.RegisteredError](err)
	equal("vcpu_info of the next program: the kind of error", ok, true)
	p.FreeFrames(frame)
	err = d.Close()
	equal("close with a vcpu_info", fmt.Sprint(err), fmt.Sprintf("xen: left behind: %v is registered until the domain ends", i))
}

// leave closes the domain with a grant left in it, which Close must refuse,
// and again without.
func leave(d *xen.Domain) error {
	frames, err := d.Platform().AllocFrames(1)
	if err != nil {
		return err
	}
	g, err := d.GrantPages(0, frames, false)
	if err != nil {
		return err
	}
	d.Unregister(g)
	var left *xen.LeftError
	if err := d.Close(); !errors.As(err, &left) || !strings.Contains(err.Error(), "still live") {
		return fmt.Errorf("close over a live grant: %v", err)
	}
	if err := g.Close(); err != nil {
		return err
	}
	d.Platform().FreeFrames(frames)
	return nil
}
