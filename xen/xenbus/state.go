// Package xenbus finds the domain's devices in xenstore and walks a frontend
// through its life, by the state nodes that both ends write
// (public/io/xenbus.h; docs/misc/pv-drivers-lifecycle.pandoc).
//
// A frontend of this library connects like any other:
//
//	frontend                         backend
//	1 Initialising                   2 InitWait
//	  publishes rings and port
//	3 Initialised   →
//	                                 4 Connected
//	4 Connected
//
// and leaves so that the next kernel can do the same again:
//
//	5 Closing       →                5 Closing or 6 Closed
//	6 Closed        →                6 Closed
//	  ends grants, closes its port, removes what it published
//	1 Initialising  →                2 InitWait
package xenbus

import "fmt"

// State is the state of one end of a device (public/io/xenbus.h).
type State int

// States.
const (
	Unknown       State = 0 // also: no state node
	Initialising  State = 1
	InitWait      State = 2
	Initialised   State = 3
	Connected     State = 4
	Closing       State = 5
	Closed        State = 6
	Reconfiguring State = 7
	Reconfigured  State = 8
)

var stateNames = [...]string{"Unknown", "Initialising", "InitWait", "Initialised", "Connected",
	"Closing", "Closed", "Reconfiguring", "Reconfigured"}

// String gives the header's name of the state.
func (s State) String() string {
	if s < 0 || int(s) >= len(stateNames) {
		return fmt.Sprintf("state %d", int(s))
	}
	return stateNames[s]
}
