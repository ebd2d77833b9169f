package grub

// Env is the variables of one context. A nested context (submenu,
// configfile) starts as a copy and is thrown away at its end.
type Env struct {
	vars map[string]*variable
}

type variable struct {
	value    string
	exported bool
	onWrite  func(value string) string
}

// Get is a variable's value, "" when it is not set.
func (e *Env) Get(name string) string { panic("skeleton") }

// Lookup also says whether the variable is set.
func (e *Env) Lookup(name string) (string, bool) { panic("skeleton") }

// Set sets a variable. It fails when the limits on memory are reached.
func (e *Env) Set(name, value string) error { panic("skeleton") }

// Unset removes a variable.
func (e *Env) Unset(name string) { panic("skeleton") }

// Export marks a variable, making an empty one when there is none.
func (e *Env) Export(name string) error { panic("skeleton") }

// Names are the names of all variables, sorted.
func (e *Env) Names() []string { panic("skeleton") }
