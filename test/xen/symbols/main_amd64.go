// Command symbols is a Xen guest that tells which symbols its loader has put behind
// it, if its note BSD_SYMTAB asks for that.
package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"runtime"

	"pvboot/console"
	"pvboot/guest"
	"pvboot/xen"
)

// imageEnd is where the program's memory ends.
func imageEnd() uint64

func main() {
	p := guest.Platform()
	d, err := xen.New(p)
	if err != nil {
		panic(err)
	}
	con, err := console.Open(d)
	if err != nil {
		panic(err)
	}
	defer con.Close()
	guest.SetConsole(con.Raw())
	if err := tell(p); err != nil {
		fmt.Println("symbols:", err)
	}
}

// room is more than the symbols take.
const room = 8 << 20

func tell(p *guest.Guest) error {
	start := imageEnd() &^ 4095
	b := p.View(start, room)
	if b == nil {
		return fmt.Errorf("no memory at %#x", start)
	}
	b = b[imageEnd()-start:]
	at := bytes.Index(b[:4096], []byte(elf.ELFMAG))
	if at < 4 {
		return errors.New("none")
	}
	length := binary.LittleEndian.Uint32(b[at-4:])
	if uint64(length) > uint64(len(b)-at) {
		return fmt.Errorf("%d bytes", length)
	}
	f, err := elf.NewFile(bytes.NewReader(b[at:][:length]))
	if err != nil {
		return err
	}
	list, err := f.Symbols()
	if err != nil {
		return err
	}
	fmt.Printf("symbols: %d at %#x, CRC to the page's end %08x\n", len(list), imageEnd()+uint64(at),
		crc32.ChecksumIEEE(b[at-4:(imageEnd()+uint64(at)+4095)&^4095-imageEnd()]))
	pc, _, _, _ := runtime.Caller(0)
	self := runtime.FuncForPC(pc)
	for _, s := range list {
		if s.Name == self.Name() && s.Value == uint64(self.Entry()) {
			fmt.Printf("symbols: among them %s, CRC %08x\n", s.Name, crc32.ChecksumIEEE(b[at-4:][:length+4]))
			return nil
		}
	}
	return fmt.Errorf("no %s at %#x", self.Name(), self.Entry())
}
