package acpi

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Places of the tables in a test's memory.
const (
	atRSDP = 0x100
	atList = 0x200
	atSSDT = 0x300
	atFADT = 0x400
	atDSDT = 0x800
)

// ram is memory from address 0 on.
type ram []byte

func (m ram) view(addr, size uint64) []byte {
	if addr > uint64(len(m)) || size > uint64(len(m))-addr {
		return nil
	}
	return m[addr : addr+size]
}

// table writes a table with a body behind the header.
func (m ram) table(at int, signature string, body []byte) {
	copy(m[at:], signature)
	binary.LittleEndian.PutUint32(m[at+tableSize:], uint32(headerSize+len(body)))
	copy(m[at+headerSize:], body)
}

// machine makes the tables of a machine; fadt fills the fixed table in.
func machine(revision byte, aml string, fadt func(t []byte)) ram {
	m := make(ram, 0x1000)
	copy(m[atRSDP:], "RSD PTR ")
	m[atRSDP+rsdpRevision] = revision
	le := binary.LittleEndian
	var list []byte
	if revision >= 2 {
		le.PutUint64(m[atRSDP+rsdpXSDT:], atList)
		list = le.AppendUint64(le.AppendUint64(nil, atSSDT), atFADT)
	} else {
		le.PutUint32(m[atRSDP+rsdpRSDT:], atList)
		list = le.AppendUint32(le.AppendUint32(nil, atSSDT), atFADT)
	}
	m.table(atList, "XSDT", list)
	m.table(atSSDT, "SSDT", nil)
	m.table(atFADT, "FACP", make([]byte, 268-headerSize))
	le.PutUint32(m[atFADT+fadtDSDT:], atDSDT)
	fadt(m[atFADT:])
	m.table(atDSDT, "DSDT", []byte(aml))
	return m
}

func putGAS(t []byte, at int, space Space, addr uint64) {
	t[at] = byte(space)
	binary.LittleEndian.PutUint64(t[at+4:], addr)
}

// pc is as QEMU's q35 has it.
func pc(t []byte) {
	le := binary.LittleEndian
	le.PutUint32(t[fadtPM1aCnt:], 0x604)
	le.PutUint32(t[fadtFlags:], flagResetReg)
	putGAS(t, fadtResetReg, IO, 0xcf9)
	t[fadtResetValue] = 0xf
}

// reduced is as QEMU's microvm has it.
func reduced(t []byte) {
	binary.LittleEndian.PutUint32(t[fadtFlags:], flagResetReg|flagHWReduced)
	putGAS(t, fadtSleepCtl, Memory, 0xfea00200)
	putGAS(t, fadtResetReg, Memory, 0xfea00202)
	t[fadtResetValue] = 0x42
}

var (
	resetPC      = Write{IO, 0xcf9, 1, 0xf}
	resetReduced = Write{Memory, 0xfea00202, 1, 0x42}
)

func TestFind(t *testing.T) {
	for name, tt := range map[string]struct {
		tables ram
		want   Power
	}{
		"q35":        {machine(0, "\x08_S5_\x12\x06\x04\x00\x00\x00\x00", pc), Power{Off: [2]Write{{IO, 0x604, 2, 0x2000}}, Reset: resetPC}},
		"revision 2": {machine(2, "\x10\x08\\_S5_\x12\x08\x04\x0a\x05\x0a\x06\x00\x00", pc), Power{Off: [2]Write{{IO, 0x604, 2, 0x3400}}, Reset: resetPC}},
		"two registers": {machine(2, "\x08_S5_\x12\x08\x04\x0a\x05\x01\x00\x00", func(t []byte) {
			pc(t)
			putGAS(t, fadtXPM1aCnt, IO, 0x704)
			putGAS(t, fadtXPM1bCnt, Memory, 0x804)
		}), Power{Off: [2]Write{{IO, 0x704, 2, 0x3400}, {Memory, 0x804, 2, 0x2400}}, Reset: resetPC}},
		"microvm": {machine(2, "\x08_S5_\x12\x45\x00\x04\x0a\x05\x00\x00\x00", reduced), Power{Off: [2]Write{{Memory, 0xfea00200, 1, 0x34}}, Reset: resetReduced}},
		"X_DSDT": {machine(2, "\x08_S5_\x12\x06\x04\x01\x00", func(t []byte) {
			pc(t)
			binary.LittleEndian.PutUint32(t[fadtDSDT:], 0)
			binary.LittleEndian.PutUint64(t[fadtXDSDT:], atDSDT)
		}), Power{Off: [2]Write{{IO, 0x604, 2, 0x2400}}, Reset: resetPC}},
		"no register to reset": {machine(0, "\x08_S5_\x12\x06\x04\x00\x00", func(t []byte) {
			pc(t)
			binary.LittleEndian.PutUint32(t[fadtFlags:], 0)
		}), Power{Off: [2]Write{{IO, 0x604, 2, 0x2000}}}},
		"a register in configuration space": {machine(0, "", func(t []byte) {
			pc(t)
			putGAS(t, fadtResetReg, 2, 0xcf9)
		}), Power{}},
		"a use of the name, and then it": {machine(0, "\x70_S5_\x60\x08_S5_\x12\x06\x04\x00\x00", pc), Power{Off: [2]Write{{IO, 0x604, 2, 0x2000}}, Reset: resetPC}},
		"no name":                        {machine(0, "\x08_S4_\x12\x06\x04\x00\x00", pc), Power{Reset: resetPC}},
		"no package":                     {machine(0, "\x08_S5_\x0a", pc), Power{Reset: resetPC}},
		"cut off":                        {machine(0, "\x08_S5_\x12\x06\x04\x0a", pc), Power{Reset: resetPC}},
		"a wild number":                  {machine(0, "\x08_S5_\x12\x06\x04\x0a\x80\x00", pc), Power{Reset: resetPC}},
		"name at end":                    {machine(0, "\x08_S5_", pc), Power{Reset: resetPC}},
		"no fixed table":                 {machine(0, "", func(t []byte) { copy(t, "APIC") }), Power{}},
		"a short one":                    {machine(0, "", func(t []byte) { t[tableSize], t[tableSize+1] = 100, 0 }), Power{}},
		"a long one":                     {machine(0, "", func(t []byte) { t[tableSize+3] = 1 }), Power{}},
		"no memory":                      {nil, Power{}},
	} {
		if d := cmp.Diff(tt.want, Find(atRSDP, tt.tables.view)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	if d := cmp.Diff(Power{}, Find(0, machine(0, "", pc).view)); d != "" {
		t.Error(d)
	}
}

func TestFindAllocatesNothing(t *testing.T) {
	view := View(machine(2, "\x08_S5_\x12\x06\x04\x00\x00", pc).view)
	if n := testing.AllocsPerRun(10, func() { Find(atRSDP, view) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzFind(f *testing.F) {
	f.Add([]byte(machine(0, "\x08_S5_\x12\x06\x04\x00\x00", pc)), uint64(atRSDP))
	f.Add([]byte(machine(2, "\x08_S5_\x12\x08\x04\x0a\x05\x00\x00", reduced)), uint64(atRSDP))
	f.Fuzz(func(t *testing.T, memory []byte, rsdp uint64) {
		p := Find(rsdp, ram(memory).view)
		for _, w := range append(p.Off[:], p.Reset) {
			if w.Size < 0 || w.Size > 2 || w.Space > IO || w.Size != 0 && w.Addr == 0 {
				t.Errorf("%+v", w)
			}
		}
	})
}
