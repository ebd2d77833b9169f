//go:build amd64

package amd64

import "fmt"

// Registers are the general registers in the order in which instructions encode
// them: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15 (Intel SDM volume 2A,
// table 2-2).
type Registers [16]uint64

var registers = map[string]int{
	"rax": 0, "rcx": 1, "rdx": 2, "rbx": 3, "rsp": 4, "rbp": 5, "rsi": 6, "rdi": 7,
	"r8": 8, "r9": 9, "r10": 10, "r11": 11, "r12": 12, "r13": 13, "r14": 14, "r15": 15,
}

// Set sets a register by its 64-bit name, such as "rsi".
func (r *Registers) Set(name string, value uint64) error {
	n, ok := registers[name]
	if !ok {
		return fmt.Errorf("amd64: no register %q", name)
	}
	r[n] = value
	return nil
}
