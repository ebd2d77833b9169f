package serial

// rawTries is how often a raw writer looks for room, before it drops the rest.
const rawTries = 1000000

var crLF = []byte("\r\n")

// Raw returns a writer for a runtime's own output, the trace of a panic above
// all (guest.SetConsole). It takes no lock, allocates nothing and may be called
// in the middle of anything; line feeds get a carriage return. Output that
// nobody takes is dropped after a bounded number of tries.
func (c *Console) Raw() func(p []byte) {
	port := c.port
	put := func(p []byte) bool {
		for tries := 0; len(p) > 0; tries++ {
			if tries > rawTries {
				return false
			}
			if n := port.Write(p); n > 0 {
				p, tries = p[n:], 0
			}
		}
		return true
	}
	return func(p []byte) {
		for len(p) > 0 {
			n := 0
			for n < len(p) && p[n] != '\n' {
				n++
			}
			if !put(p[:n]) {
				return
			}
			if p = p[n:]; len(p) > 0 {
				if !put(crLF) {
					return
				}
				p = p[1:]
			}
		}
	}
}
