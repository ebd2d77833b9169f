package xenstored

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/xen/xenstore"
)

// ask sends one request and returns what the client gets: reply and events, in
// one line.
func ask(c *Conn, tx uint32, op xenstore.Type, body string) string {
	c.Handle(xenstore.Packet{Type: op, ReqID: 7, TxID: tx, Body: []byte(body)})
	var out []string
	for _, p := range c.Take() {
		s := strings.ReplaceAll(strings.TrimSuffix(string(p.Body), "\x00"), "\x00", "|")
		if p.Type == xenstore.TypeWatchEvent {
			s = "event " + s
		} else if p.ReqID != 7 || p.TxID != tx {
			s = fmt.Sprintf("ids %d, %d", p.ReqID, p.TxID)
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

// world is a store with domains 0, 1 and 2, where 1 owns /local/domain/1/d.
func world() (s *Server, dom0, dom1, dom2 *Conn) {
	s = New(Quota{Nodes: 20, Watches: 3, Transactions: 2, NodeSize: 100})
	dom0, dom1, dom2 = s.Connect(0), s.Connect(1), s.Connect(2)
	ask(dom0, 0, xenstore.TypeMkdir, "/local/domain/1/d\x00")
	ask(dom0, 0, xenstore.TypeSetPerms, "/local/domain/1\x00n0\x00r1\x00")
	ask(dom0, 0, xenstore.TypeSetPerms, "/local/domain/1/d\x00n1\x00")
	return s, dom0, dom1, dom2
}

func TestRequests(t *testing.T) {
	const (
		dir    = xenstore.TypeDirectory
		part   = xenstore.TypeDirectoryPart
		read   = xenstore.TypeRead
		write  = xenstore.TypeWrite
		mkdir  = xenstore.TypeMkdir
		rm     = xenstore.TypeRm
		gperm  = xenstore.TypeGetPerms
		sperm  = xenstore.TypeSetPerms
		watch  = xenstore.TypeWatch
		un     = xenstore.TypeUnwatch
		begin  = xenstore.TypeTransactionStart
		end    = xenstore.TypeTransactionEnd
		reset  = xenstore.TypeResetWatches
		domain = xenstore.TypeGetDomainPath
	)
	type step struct {
		dom  int
		tx   uint32
		op   xenstore.Type
		body string
		want string
	}
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{"no end of the path", []step{{1, 0, read, "d", "EINVAL"}, {1, 0, read, "", "EINVAL"}}},
		{"rest behind the path", []step{{1, 0, read, "d\x00x\x00", "EINVAL"}, {1, 0, dir, "d\x00\x00", "EINVAL"}, {1, 0, rm, "d\x00x", "EINVAL"}}},
		{"bad paths", []step{{1, 0, read, "\x00", "EINVAL"}, {1, 0, read, "/local/domain/1/\x00", "EINVAL"}, {1, 0, read, "a//b\x00", "EINVAL"},
			{1, 0, read, "a b\x00", "EINVAL"}, {1, 0, read, strings.Repeat("a", 2049) + "\x00", "EINVAL"}}},
		{"unknown requests", []step{{1, 0, 99, "", "ENOSYS"}, {1, 0, xenstore.TypeControl, "check\x00", "ENOSYS"}, {1, 0, xenstore.TypeWatchEvent, "a\x00b\x00", "ENOSYS"}}},
		{"values", []step{{1, 0, write, "d/a/b\x00v\x00w", "OK"}, {1, 0, read, "d/a/b\x00", "v|w"}, {1, 0, read, "d/a\x00", ""},
			{1, 0, dir, "d/a\x00", "b"}, {1, 0, write, "d/a/b\x00", "OK"}, {1, 0, read, "d/a/b\x00", ""}}},
		{"others' directories", []step{{2, 0, read, "/local/domain/1/d\x00", "EACCES"}, {2, 0, write, "/local/domain/1/d/x\x00y", "EACCES"},
			{2, 0, read, "/local/domain/1/none\x00", "EACCES"}, {1, 0, write, "x\x00y", "EACCES"}, {1, 0, read, "none\x00", "ENOENT"},
			{1, 0, rm, "/local/domain/1\x00", "EACCES"}}},
		{"new nodes are the maker's", []step{{0, 0, sperm, "/local/domain/1/d\x00n1\x00b2\x00", "OK"}, {2, 0, write, "/local/domain/1/d/x\x00y", "OK"},
			{1, 0, gperm, "d/x\x00", "EACCES"}, {0, 0, gperm, "/local/domain/1/d/x\x00", "n2|b2"}}},
		{"permissions", []step{{1, 0, sperm, "d\x00r1\x00w2\x00", "OK"}, {1, 0, gperm, "d\x00", "r1|w2"}, {2, 0, read, "/local/domain/1/d\x00", "EACCES"},
			{2, 0, write, "/local/domain/1/d\x00v", "OK"}, {1, 0, sperm, "d\x00r2\x00", "EPERM"}, {2, 0, sperm, "/local/domain/1/d\x00r2\x00", "EACCES"},
			{1, 0, sperm, "d\x00", "EINVAL"}, {1, 0, sperm, "d\x00q1\x00", "EINVAL"}, {1, 0, sperm, "d\x00r1", "EINVAL"}, {1, 0, sperm, "d\x00r1\x00\x00", "EINVAL"}}},
		{"removal", []step{{1, 0, write, "d/a/b\x00v", "OK"}, {1, 0, rm, "d/a\x00", "OK"}, {1, 0, rm, "d/a\x00", "OK"}, {1, 0, rm, "d/a/b\x00", "ENOENT"},
			{0, 0, rm, "/\x00", "EINVAL"}, {1, 0, dir, "d\x00", ""}}},
		{"sizes", []step{{1, 0, write, "d/a\x00" + strings.Repeat("x", 67), "OK"}, {1, 0, write, "d/a\x00" + strings.Repeat("x", 68), "ENOSPC"},
			{0, 0, write, "/big\x00" + strings.Repeat("x", 4000), "OK"}}},
		{"too many names", []step{{1, 0, mkdir, "d/" + strings.Repeat("a", 50) + "\x00", "OK"}, {1, 0, mkdir, "d/" + strings.Repeat("b", 50) + "\x00", "ENOSPC"},
			{1, 0, mkdir, "d/" + strings.Repeat("b", 15) + "\x00", "OK"}}},
		{"too many nodes", []step{{1, 0, mkdir, "d" + strings.Repeat("/a", 19) + "\x00", "OK"}, {1, 0, mkdir, "d/b\x00", "ENOSPC"},
			{1, 0, rm, "d/a\x00", "OK"}, {1, 0, mkdir, "d/b\x00", "OK"}}},
		{"watches", []step{{1, 0, watch, "d\x00tok\x00", "OK, event d|tok"}, {1, 0, watch, "d\x00tok\x00", "EEXIST"},
			{1, 0, watch, "d\x00other\x00", "OK, event d|other"}, {1, 0, un, "d\x00none\x00", "ENOENT"}, {1, 0, un, "d\x00other\x00", "OK"},
			{1, 0, write, "d/x\x00y", "event d/x|tok, OK"}, {1, 0, mkdir, "d/x\x00", "OK"}, {1, 0, rm, "d/x\x00", "event d/x|tok, OK"},
			{1, 0, rm, "d/x\x00", "OK"}, {1, 0, reset, "\x00", "OK"}, {1, 0, write, "d/x\x00y", "OK"}}},
		{"bad watches", []step{{1, 0, watch, "d\x00tok", "EINVAL"}, {1, 0, watch, "d\x00", "EINVAL"}, {1, 0, watch, "d\x00t\x00x\x00", "EINVAL"},
			{1, 0, watch, "a//b\x00t\x00", "EINVAL"}, {1, 0, watch, "@releaseDomain\x00t\x00", "EACCES"},
			{0, 0, watch, "@releaseDomain\x00t\x00", "OK, event @releaseDomain|t"}}},
		{"too many watches", []step{{1, 0, watch, "a\x00t\x00", "OK, event a|t"}, {1, 0, watch, "b\x00t\x00", "OK, event b|t"},
			{1, 0, watch, "c\x00t\x00", "OK, event c|t"}, {1, 0, watch, "e\x00t\x00", "E2BIG"}}},
		{"watch below a removal", []step{{1, 0, write, "d/a/b\x00v", "OK"}, {1, 0, watch, "d/a/b/c\x00t\x00", "OK, event d/a/b/c|t"},
			{1, 0, rm, "d/a\x00", "event d/a/b/c|t, OK"}}},
		{"watch of what others may not see", []step{{2, 0, watch, "/local/domain/1/d\x00t\x00", "OK, event /local/domain/1/d|t"},
			{1, 0, write, "d/x\x00y", "OK"}, {2, 0, read, "/none\x00", "ENOENT"}}},
		{"a name that begins alike", []step{{1, 0, watch, "d/a\x00t\x00", "OK, event d/a|t"}, {1, 0, write, "d/ab\x00v", "OK"}}},
		{"transaction", []step{{1, 0, begin, "\x00", "1"}, {1, 1, write, "d/a\x00v", "OK"}, {1, 0, read, "d/a\x00", "ENOENT"}, {1, 1, read, "d/a\x00", "v"},
			{1, 0, watch, "d\x00t\x00", "OK, event d|t"}, {1, 1, end, "T\x00", "OK, event d/a|t"}, {1, 0, read, "d/a\x00", "v"}, {1, 1, end, "T\x00", "ENOENT"}}},
		{"dropped transaction", []step{{1, 0, begin, "\x00", "1"}, {1, 1, write, "d/a\x00v", "OK"}, {1, 1, end, "F\x00", "OK"}, {1, 0, read, "d/a\x00", "ENOENT"}}},
		{"conflict of a read", []step{{1, 0, begin, "\x00", "1"}, {1, 1, read, "d\x00", ""}, {0, 0, write, "/local/domain/1/d\x00v", "OK"}, {1, 1, end, "T\x00", "EAGAIN"}}},
		{"conflict of a missing node", []step{{1, 0, begin, "\x00", "1"}, {1, 1, read, "d/a\x00", "ENOENT"}, {1, 0, write, "d/a\x00v", "OK"}, {1, 1, end, "T\x00", "EAGAIN"}}},
		{"conflict of a removed node", []step{{1, 0, write, "d/a\x00v", "OK"}, {1, 0, begin, "\x00", "1"}, {1, 1, read, "d/a\x00", "v"}, {1, 0, rm, "d/a\x00", "OK"}, {1, 1, end, "T\x00", "EAGAIN"}}},
		{"no conflict elsewhere", []step{{1, 0, write, "d/a\x00v", "OK"}, {1, 0, write, "d/b\x00v", "OK"}, {1, 0, begin, "\x00", "1"}, {1, 1, write, "d/a\x00w", "OK"},
			{1, 0, write, "d/b\x00w", "OK"}, {1, 1, end, "T\x00", "OK"}}},
		{"of two transactions one wins", []step{{1, 0, begin, "\x00", "1"}, {1, 0, begin, "\x00", "2"}, {1, 1, write, "d/a\x00v", "OK"}, {1, 2, write, "d/b\x00w", "OK"},
			{1, 1, end, "T\x00", "OK"}, {1, 2, end, "T\x00", "EAGAIN"}}},
		{"bad transactions", []step{{1, 5, read, "d\x00", "ENOENT"}, {1, 0, begin, "", "EINVAL"}, {1, 0, begin, "\x00", "1"}, {1, 1, begin, "\x00", "EBUSY"},
			{1, 1, end, "X\x00", "EINVAL"}, {2, 1, end, "T\x00", "ENOENT"}, {1, 0, begin, "\x00", "2"}, {1, 0, begin, "\x00", "ENOSPC"},
			{1, 0, reset, "\x00", "OK"}, {1, 1, end, "T\x00", "ENOENT"}}},
		{"parts of a directory", []step{{1, 0, mkdir, "d/a\x00", "OK"}, {1, 0, part, "d\x000\x00", "8|a|"}, {1, 0, part, "d\x002\x00", "8|"},
			{1, 0, part, "d\x0099\x00", "8|"}, {1, 0, part, "d\x00-1\x00", "EINVAL"}, {1, 0, part, "d\x00x\x00", "EINVAL"}, {1, 0, part, "none\x000\x00", "ENOENT"}}},
		{"domain path", []step{{1, 0, domain, "1\x00", "/local/domain/1"}, {1, 0, domain, "x\x00", "EINVAL"}, {1, 0, domain, "70000\x00", "EINVAL"}}},
	} {
		_, dom0, dom1, dom2 := world()
		conns := []*Conn{dom0, dom1, dom2}
		for i, st := range tt.steps {
			if got := ask(conns[st.dom], st.tx, st.op, st.body); got != st.want {
				t.Errorf("%s: step %d: %v %q: %q, want %q", tt.name, i, st.op, st.body, got, st.want)
			}
		}
	}
}

// A list that does not fit a packet is refused as a whole and served in parts.
func TestLongDirectory(t *testing.T) {
	s, dom0, _, _ := world()
	var want []string
	for i := range 500 {
		name := fmt.Sprintf("node-%010d", i)
		want = append(want, name)
		ask(dom0, 0, xenstore.TypeMkdir, "/long/"+name+"\x00")
	}
	if got := ask(dom0, 0, xenstore.TypeDirectory, "/long\x00"); got != "E2BIG" {
		t.Errorf("whole list: %.20q", got)
	}
	var got []string
	for offset := 0; ; {
		dom0.Handle(xenstore.Packet{Type: xenstore.TypeDirectoryPart, Body: fmt.Appendf(nil, "/long\x00%d\x00", offset)})
		body := string(dom0.Take()[0].Body)
		if len(body) > xenstore.MaxBody {
			t.Fatalf("part of %d bytes", len(body))
		}
		_, part, _ := strings.Cut(body, "\x00")
		list, last := strings.CutSuffix(part, "\x00\x00")
		if !last {
			list = strings.TrimSuffix(part, "\x00")
			offset += len(part)
		}
		got = append(got, strings.Split(list, "\x00")...)
		if last {
			break
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if n := len(s.Dump()); n != 500+6 {
		t.Errorf("%d nodes", n)
	}
}

func TestCloseConnection(t *testing.T) {
	_, dom0, dom1, _ := world()
	ask(dom1, 0, xenstore.TypeWatch, "d\x00t\x00")
	ask(dom1, 0, xenstore.TypeTransactionStart, "\x00")
	if len(dom1.Watches()) != 1 || dom1.Transactions() != 1 {
		t.Errorf("%v, %d", dom1.Watches(), dom1.Transactions())
	}
	dom1.Close()
	ask(dom0, 0, xenstore.TypeWrite, "/local/domain/1/d\x00v")
	if p := dom1.Take(); len(p) != 0 {
		t.Errorf("closed connection got %v", p)
	}
}

// FuzzHandle sends requests of any content; the tree must stay whole.
func FuzzHandle(f *testing.F) {
	f.Add([]byte{11, 'd', '/', 'a', 0, 'v', 255, 13, 'd', 0, 255, 6, 0})
	f.Add([]byte{12, 'd', '/', 'b', 0, 255, 4, 'd', 0, 't', 0, 255, 22, 'd', 0, '0', 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, _, dom1, _ := world()
		for _, req := range strings.Split(string(raw), "\xff") {
			if req == "" {
				continue
			}
			p := xenstore.Packet{Type: xenstore.Type(req[0] & 31), TxID: uint32(req[0] >> 5), Body: []byte(req[1:])}
			dom1.Handle(p)
			replies := 0
			for _, r := range dom1.Take() {
				if len(r.Body) > xenstore.MaxBody {
					t.Errorf("%v: %d bytes", r.Type, len(r.Body))
				}
				if r.Type != xenstore.TypeWatchEvent {
					replies++
				}
			}
			if replies != 1 {
				t.Errorf("%v: %d replies", p.Type, replies)
			}
		}
		for path, n := range s.nodes {
			if path != "/" && s.nodes[parent(path)] == nil {
				t.Errorf("%s without its parent", path)
			}
			for _, c := range n.children {
				if s.nodes[join(path, c)] == nil {
					t.Errorf("%s lists %s, which is not there", path, c)
				}
			}
		}
	})
}
