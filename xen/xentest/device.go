package xentest

import (
	"fmt"
	"maps"
	"slices"

	"pvboot/xen/xenstore"
)

// Paths of a device's two ends in xenstore.
type Paths struct{ Frontend, Backend string }

// home is the guest's directory.
func (s *Store) home() string { return fmt.Sprintf("/local/domain/%d", s.m.c.DomID) }

// makeDomain writes what libxl writes for a new domain, as far as guests look
// at it, with libxl's permissions.
func (s *Store) makeDomain() {
	guest := uint16(s.m.c.DomID)
	readable := []xenstore.Perm{{Dom: 0, Access: xenstore.AccessNone}, {Dom: guest, Access: xenstore.AccessRead}}
	owned := []xenstore.Perm{{Dom: guest, Access: xenstore.AccessNone}}
	for _, n := range []struct {
		path, value string
		perms       []xenstore.Perm
	}{
		{"", "", readable},
		{"/name", "guest", readable},
		{"/domid", fmt.Sprint(guest), readable},
		{"/device", "", readable},
		{"/control", "", readable},
		{"/control/shutdown", "", owned},
		{"/data", "", owned},
		{"/console", "", readable},
		{"/console/limit", "1048576", readable},
		{"/console/type", "xenconsoled", readable},
		{"/console/port", fmt.Sprint(consolePort), readable},
		{"/console/ring-ref", fmt.Sprint(s.m.c.consoleGFN()), readable},
		{"/store/port", fmt.Sprint(storePort), readable},
		{"/store/ring-ref", fmt.Sprint(s.m.c.storeGFN()), readable},
	} {
		s.must(s.Write(s.home()+n.path, n.value))
		s.must(s.SetPerms(s.home()+n.path, n.perms...))
	}
}

// AddDevice writes a device's two directories as libxl does: front and back
// are added to the keys that every device has, and both ends start as
// Initialising. A backend that wants to be there for the guest sets its state
// to InitWait.
func (m *Machine) AddDevice(kind string, id int, front, back map[string]string) Paths {
	s := m.store
	guest := uint16(m.c.DomID)
	p := Paths{
		Frontend: fmt.Sprintf("%s/device/%s/%d", s.home(), kind, id),
		Backend:  fmt.Sprintf("/local/domain/0/backend/%s/%d/%d", kind, guest, id),
	}
	frontKeys := map[string]string{"backend": p.Backend, "backend-id": "0", "state": "1"}
	backKeys := map[string]string{"frontend": p.Frontend, "frontend-id": fmt.Sprint(guest), "state": "1", "online": "1"}
	maps.Copy(frontKeys, front)
	maps.Copy(backKeys, back)
	frontPerms := []xenstore.Perm{{Dom: guest, Access: xenstore.AccessNone}, {Dom: 0, Access: xenstore.AccessRead}}
	backPerms := []xenstore.Perm{{Dom: 0, Access: xenstore.AccessNone}, {Dom: guest, Access: xenstore.AccessRead}}
	s.makeDir(p.Frontend, frontPerms, frontKeys)
	s.makeDir(p.Backend, backPerms, backKeys)
	return p
}

// makeDir writes a directory and its keys, all with the same permissions.
func (s *Store) makeDir(dir string, perms []xenstore.Perm, keys map[string]string) {
	s.must(s.Mkdir(dir))
	s.must(s.SetPerms(dir, perms...))
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		s.must(s.Write(dir+"/"+k, keys[k]))
	}
}

// must stops a test whose set-up asks for something impossible.
func (s *Store) must(err error) {
	if err != nil {
		panic(err)
	}
}
