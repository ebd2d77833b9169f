package guest

import _ "unsafe" // for linkname

// Auxiliary vector types (Linux uapi/linux/auxvec.h).
const (
	auxNull   = 0
	auxPageSz = 6
	auxHWCap  = 16
	auxRandom = 25
	auxHWCap2 = 26
)

// argv is what the runtime reads as Linux lays it out: arguments, 0,
// environment, 0, auxiliary vector.
var (
	argv       [256]uintptr
	argc       int
	argBytes   [4096 + 16]byte
	auxRandom1 [16]byte
)

// maxArgs leaves room for what follows the arguments.
const maxArgs = len(argv) - 16

// initArgs makes os.Args of the command line: the word "guest", as no file
// name is known, then the command line's words. Quotes, single or double,
// keep spaces in a word.
func initArgs() {
	n := copy(argBytes[:], "guest\x00")
	argv[0] = addressOf(&argBytes[0])
	argc = 1
	var quote byte
	inWord := false
	for _, c := range start.cmdLine.bytes() {
		switch {
		case quote != 0 && c == quote:
			quote = 0
			continue
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && (c == ' ' || c == '\t' || c == '\n'):
			if inWord {
				argBytes[n] = 0
				n++
			}
			inWord = false
			continue
		}
		if !inWord {
			if argc == maxArgs {
				break
			}
			argv[argc] = addressOf(&argBytes[n])
			argc++
			inWord = true
		}
		if c != quote {
			argBytes[n] = c
			n++
		}
	}
	argBytes[n] = 0

	getRandomData(auxRandom1[:])
	aux := argv[argc+2:]
	aux[0], aux[1] = auxPageSz, pageSize
	aux[2], aux[3] = auxRandom, addressOf(&auxRandom1[0])
	aux[4], aux[5] = auxHWCap, uintptr(hwcap())
	aux[6], aux[7] = auxHWCap2, uintptr(hwcap2())
	aux[8], aux[9] = auxNull, 0
}

// args gives arch/amd64 what the runtime starts with.
//
//go:linkname args runtime/goos.Args
func args() (v uintptr, n int) { return addressOf(&argv[0]), argc }
