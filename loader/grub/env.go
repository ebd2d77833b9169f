package grub

import (
	"maps"
	"slices"
	"strings"
)

// Env is the variables of one context. A nested context (submenu,
// configfile) starts as a copy and is thrown away at its end.
type Env struct {
	vars map[string]variable
	size int // bytes that count against max
	max  int
	word int // most bytes of one value
}

type variable struct {
	value    string
	exported bool
}

// overhead is what a variable costs beside its bytes.
const overhead = 64

func newEnv(l Limits) *Env {
	return &Env{vars: map[string]variable{}, max: l.Memory, word: l.Word}
}

// clone copies every variable, as GRUB does when it opens a context.
func (e *Env) clone() *Env {
	c := *e
	c.vars = maps.Clone(e.vars)
	return &c
}

// Get is a variable's value, "" when it is not set.
func (e *Env) Get(name string) string { return e.vars[name].value }

// Lookup also says whether the variable is set.
func (e *Env) Lookup(name string) (string, bool) {
	v, ok := e.vars[name]
	return v.value, ok
}

// Set sets a variable. It fails with OutOfMemory when the variables grow
// beyond the limits. As in GRUB, root loses parentheses around it.
func (e *Env) Set(name, value string) error {
	if n := len(value); name == "root" && n >= 2 && value[0] == '(' && value[n-1] == ')' {
		value = value[1 : n-1]
	}
	old, ok := e.vars[name]
	grow := len(value) - len(old.value)
	if !ok {
		grow += len(name) + overhead
	}
	// The status of the last command must never be an old one.
	if name != "?" && (len(value) > e.word || e.size+grow > e.max) {
		return Errorf(OutOfMemory, "variable `%.40s': no memory for %d bytes", name, len(value))
	}
	e.size += grow
	e.vars[strings.Clone(name)] = variable{strings.Clone(value), old.exported}
	return nil
}

// Unset removes a variable.
func (e *Env) Unset(name string) {
	if v, ok := e.vars[name]; ok {
		e.size -= len(name) + len(v.value) + overhead
		delete(e.vars, name)
	}
}

// Export marks a variable, making an empty one when there is none.
func (e *Env) Export(name string) error {
	if _, ok := e.vars[name]; !ok {
		if err := e.Set(name, ""); err != nil {
			return err
		}
	}
	v := e.vars[name]
	v.exported = true
	e.vars[name] = v
	return nil
}

// Exported says whether Export was called for a variable.
func (e *Env) Exported(name string) bool { return e.vars[name].exported }

// Names are the names of all variables, sorted.
func (e *Env) Names() []string { return slices.Sorted(maps.Keys(e.vars)) }
