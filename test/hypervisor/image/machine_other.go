//go:build !riscv64

package main

// this is no machine: where no guest can run, there is no bundle either.
var this machine
