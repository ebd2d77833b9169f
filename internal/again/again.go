// Package again runs a package's tests a second time under another condition.
package again

import (
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// Run runs tests with *set true, by which they make their machines others than
// usual. No other test may run beside.
func Run(t *testing.T, set *bool, tests ...func(*testing.T)) {
	*set = true
	defer func() { *set = false }()
	for _, test := range tests {
		_, name, _ := strings.Cut(runtime.FuncForPC(reflect.ValueOf(test).Pointer()).Name(), ".Test")
		t.Run(name, test)
	}
}
