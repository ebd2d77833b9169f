package script

import (
	"fmt"
	"io"
	"strings"
)

// Fprint writes commands as an indented tree, for tests and for people who
// debug a script.
func Fprint(w io.Writer, list List) { fprint(w, list, "") }

func fprint(w io.Writer, list List, indent string) {
	in := indent + "  "
	for _, c := range list {
		fmt.Fprintf(w, "%s%s ", indent, c.Pos())
		switch c := c.(type) {
		case *Simple:
			fmt.Fprintln(w, wordsString(c.Words))
			if c.Block != nil {
				fmt.Fprintf(w, "%s{%q}\n", in, c.Block.Source)
				fprint(w, c.Block.Body, in)
			}
		case *If:
			fmt.Fprintln(w, "if")
			for _, cl := range c.Clauses {
				fprint(w, cl.Cond, in)
				fmt.Fprintf(w, "%sthen\n", indent)
				fprint(w, cl.Then, in)
			}
			if c.Else != nil {
				fmt.Fprintf(w, "%selse\n", indent)
				fprint(w, c.Else, in)
			}
		case *For:
			fmt.Fprintln(w, "for", c.Name, "in", wordsString(c.Words))
			fprint(w, c.Body, in)
		case *While:
			fmt.Fprintf(w, "while until=%t\n", c.Until)
			fprint(w, c.Cond, in)
			fmt.Fprintf(w, "%sdo\n", indent)
			fprint(w, c.Body, in)
		case *Function:
			fmt.Fprintln(w, "function", c.Name)
			fprint(w, c.Body, in)
		}
	}
}

var kindNames = [...]string{"text", "single", "double", "var", "doublevar", "gettext"}

func wordsString(words []Word) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteByte('<')
		for j, p := range w.Parts {
			if j > 0 {
				b.WriteByte(' ')
			}
			fmt.Fprintf(&b, "%s:%q", kindNames[p.Kind], p.Text)
		}
		b.WriteByte('>')
	}
	return b.String()
}
