package command

import (
	"strings"

	"pvboot/loader/grub"
)

// tests are test and its other name.
var tests = []*grub.Command{
	{Name: "[", Usage: "EXPRESSION ]", Help: "Evaluate an expression.", Flags: grub.RawArgs, Run: runTest},
	{Name: "test", Usage: "EXPRESSION", Help: "Evaluate an expression.", Flags: grub.RawArgs, Run: runTest},
}

// maxTestDepth bounds parentheses in each other.
const maxTestDepth = 100

// runTest evaluates an expression. A closing bracket may stand at its end,
// under both names.
func runTest(c *grub.Call) error {
	args := c.Args
	if n := len(args); n > 0 && args[n-1] == "]" {
		args = args[:n-1]
	}
	e := expression{call: c, args: args}
	value := e.eval()
	switch {
	case e.depth > maxTestDepth:
		return grub.Errorf(grub.OutOfRange, "max recursion depth exceeded")
	case value:
		return nil
	}
	return grub.ErrFalse
}

// expression is what is left to evaluate. As in GRUB, terms that stand side
// by side mean "and", and -o binds weaker than -a.
type expression struct {
	call  *grub.Call
	args  []string
	depth int
}

// eval evaluates up to the closing parenthesis or the end.
func (e *expression) eval() bool {
	or, and, invert := false, true, false
	update := func(v bool) {
		and = and && v != invert
		invert = false
	}
	for len(e.args) > 0 && e.depth <= maxTestDepth {
		if v, n := e.term(); n > 0 {
			e.args = e.args[n:]
			update(v)
			continue
		}
		word := e.args[0]
		e.args = e.args[1:]
		switch word {
		case ")":
			return or || and
		case "(":
			e.depth++
			v := e.eval()
			if e.depth <= maxTestDepth {
				e.depth--
			}
			update(v)
		case "!":
			invert = !invert
		case "-a":
		case "-o":
			or, and = or || and, true
		default:
			update(word != "")
		}
	}
	return or || and
}

// term evaluates a test of three or two words at the front and gives the
// number of words, 0 when there is none.
func (e *expression) term() (value bool, n int) {
	if len(e.args) >= 3 {
		a, op, b := e.args[0], e.args[1], e.args[2]
		if f := binary[op]; f != nil {
			return f(a, b), 3
		}
		if strings.HasPrefix(op, "-nt") || strings.HasPrefix(op, "-ot") {
			return e.newer(a, op, b), 3
		}
	}
	if len(e.args) >= 2 {
		if f := unary[e.args[0]]; f != nil {
			return f(e.call, e.args[1]), 2
		}
	}
	return false, 0
}

// binary are the tests of two strings or numbers.
var binary = map[string]func(a, b string) bool{
	"=":    func(a, b string) bool { return a == b },
	"==":   func(a, b string) bool { return a == b },
	"!=":   func(a, b string) bool { return a != b },
	"<":    func(a, b string) bool { return a < b },
	"<=":   func(a, b string) bool { return a <= b },
	">":    func(a, b string) bool { return a > b },
	">=":   func(a, b string) bool { return a >= b },
	"-eq":  func(a, b string) bool { return number(a) == number(b) },
	"-ne":  func(a, b string) bool { return number(a) != number(b) },
	"-lt":  func(a, b string) bool { return number(a) < number(b) },
	"-le":  func(a, b string) bool { return number(a) <= number(b) },
	"-gt":  func(a, b string) bool { return number(a) > number(b) },
	"-ge":  func(a, b string) bool { return number(a) >= number(b) },
	"-pgt": func(a, b string) bool { a, b = unprefix(a, b); return number(a) > number(b) },
	"-plt": func(a, b string) bool { a, b = unprefix(a, b); return number(a) < number(b) },
}

// unary are the tests of one string or file.
var unary = map[string]func(c *grub.Call, s string) bool{
	"-n": func(_ *grub.Call, s string) bool { return s != "" },
	"-z": func(_ *grub.Call, s string) bool { return s == "" },
	"-d": func(c *grub.Call, s string) bool {
		info, err := c.Interp.Stat(s)
		return err == nil && info.IsDir()
	},
	"-e": func(c *grub.Call, s string) bool {
		_, err := c.Interp.Stat(s)
		return err == nil
	},
	"-f": func(c *grub.Call, s string) bool {
		info, err := c.Interp.Stat(s)
		return err == nil && !info.IsDir()
	},
	"-s": func(c *grub.Call, s string) bool {
		info, err := c.Interp.Stat(s)
		return err == nil && info.Mode().IsRegular() && info.Size() != 0
	},
}

// newer compares times of files. What follows -nt or -ot is added to the
// first one, in seconds.
func (e *expression) newer(a, op, b string) bool {
	x, errX := e.call.Interp.Stat(a)
	y, errY := e.call.Interp.Stat(b)
	existsX, existsY := errX == nil, errY == nil
	var cmp int64
	if existsX && existsY {
		cmp = x.ModTime().Unix() + number(op[3:]) - y.ModTime().Unix()
	}
	if op[1] == 'n' {
		return existsX && !existsY || cmp > 0
	}
	return !existsX && existsY || cmp < 0
}
