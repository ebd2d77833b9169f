// Package kernellog reads what a test disk's kernel and init print (package
// testdisk), for tests.
package kernellog

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"
)

var (
	systemRAM = regexp.MustCompile(`(?m)^[0-9a-f]+-[0-9a-f]+ : System RAM`)
	memTotal  = regexp.MustCompile(`(?m)^MemTotal: +(\d+) kB`)
)

// SameRAM compares two logs: they should show the same System RAM, and a MemTotal
// that differs by less than 1 MiB. What differs is in diff. The error is that a log
// shows neither.
func SameRAM(a, b string) (diff string, err error) {
	var ram [2][]string
	var total [2]int
	for i, log := range []string{a, b} {
		log = strings.ReplaceAll(log, "\r", "")
		ram[i] = systemRAM.FindAllString(log, -1)
		m := memTotal.FindStringSubmatch(log)
		if len(ram[i]) == 0 || m == nil {
			return "", fmt.Errorf("log %d: no System RAM or no MemTotal", i+1)
		}
		if total[i], err = strconv.Atoi(m[1]); err != nil {
			return "", err
		}
	}
	diff = cmp.Diff(ram[0], ram[1])
	if d := total[0] - total[1]; d < -1024 || d > 1024 {
		diff += fmt.Sprintf("MemTotal %d kB and %d kB\n", total[0], total[1])
	}
	return diff, nil
}
