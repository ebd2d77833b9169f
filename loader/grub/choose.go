package grub

// Default is the index of the entry that `default` names (number, title, id,
// or a path with '>'), 0 when it names none.
func (m *Menu) Default(env *Env) int { panic("skeleton") }

// Fallback takes the first entry off `fallback` and gives its index, -1 when
// there is none.
func (m *Menu) Fallback(env *Env) int { panic("skeleton") }

// Find resolves one level of a default specification: index, or -1.
func (m *Menu) Find(spec string) int { panic("skeleton") }
