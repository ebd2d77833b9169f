//go:build rig

package xen_test

import (
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

// changesBetweenRuns are nodes of xenstore whose values are of one run only:
// when it was, the terminal of its console, machine frames of a PV domain.
var changesBetweenRuns = regexp.MustCompile(`^(/vm/UUID/start_time|/local/domain/DOMID/console/tty|/local/domain/DOMID/(console|store)/ring-ref) =`)

// sameStore wants two listings of rig boot -store to be equal, but for nodes
// whose path one of the expressions matches whole.
func sameStore(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: samestore LISTING LISTING [PATH...]")
	}
	var but []*regexp.Regexp
	for _, arg := range args[2:] {
		re, err := regexp.Compile("^(" + arg + ") =")
		ts.Check(err)
		but = append(but, re)
	}
	var lists [2][]string
	for i, file := range args[:2] {
		lists[i] = slices.DeleteFunc(strings.Split(ts.ReadFile(file), "\n"), func(line string) bool {
			return changesBetweenRuns.MatchString(line) ||
				slices.ContainsFunc(but, func(re *regexp.Regexp) bool { return re.MatchString(line) })
		})
		if len(lists[i]) < 10 {
			ts.Fatalf("%s: a listing of %d lines", file, len(lists[i]))
		}
	}
	if diff := cmp.Diff(lists[0], lists[1]); neg != (diff != "") {
		ts.Fatalf("xenstore:\n%s", diff)
	}
}
