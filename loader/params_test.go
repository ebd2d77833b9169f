package loader

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParams(t *testing.T) {
	tests := []struct {
		name, line string
		want       []Param
		err        string
	}{
		{name: "empty"},
		{name: "spaces", line: "   "},
		{name: "one", line: "xen_grub_env_mode=rescue", want: []Param{{"xen_grub_env_mode", "rescue"}}},
		{name: "no value", line: "xen_grub_env_flag", want: []Param{{"xen_grub_env_flag", "1"}}},
		{name: "empty value", line: "xen_grub_env_flag=", want: []Param{{"xen_grub_env_flag", ""}}},
		{name: "others are ignored", line: "root=/dev/xvda1 ro xen_grub_env_a=1 quiet", want: []Param{{"xen_grub_env_a", "1"}}},
		{name: "double quotes", line: `xen_grub_env_args="a b  c"`, want: []Param{{"xen_grub_env_args", "a b  c"}}},
		{name: "single quotes", line: `'xen_grub_env_args=a "b" c'`, want: []Param{{"xen_grub_env_args", `a "b" c`}}},
		{name: "quotes in quotes", line: `xen_grub_env_a="it's" xen_grub_env_b='"'`, want: []Param{{"xen_grub_env_a", "it's"}, {"xen_grub_env_b", `"`}}},
		{name: "quotes in a word", line: `xen_grub_env_a=x'y z'w`, want: []Param{{"xen_grub_env_a", "xy zw"}}},
		{name: "backslashes", line: `xen_grub_env_a=a\ b\\c\"d\e`, want: []Param{{"xen_grub_env_a", `a b\c"de`}}},
		{name: "backslash in quotes", line: `xen_grub_env_a='\''`, want: []Param{{"xen_grub_env_a", "'"}}},
		{name: "open quote", line: `xen_grub_env_a="b c`, want: []Param{{"xen_grub_env_a", "b c"}}},
		{name: "backslash at the end", line: `xen_grub_env_a=b\`, want: []Param{{"xen_grub_env_a", "b"}}},
		{name: "equals sign in the value", line: "xen_grub_env_a=b=c", want: []Param{{"xen_grub_env_a", "b=c"}}},
		{name: "bare prefix", line: "xen_grub_env_=x", want: []Param{{"xen_grub_env_", "x"}}},
		{name: "digits in the name", line: "xen_grub_env_a1=b"},
		{name: "dash in the name", line: "xen_grub_env_a-b=c"},
		{name: "prefix elsewhere", line: "my_xen_grub_env_a=c"},
		{name: "case matters", line: "XEN_GRUB_ENV_A=c"},
		{name: "twice", line: "xen_grub_env_a=b xen_grub_env_a=c", want: []Param{{"xen_grub_env_a", "b"}, {"xen_grub_env_a", "c"}}},
		{name: "tab", line: "xen_grub_env_a=b\tquiet", err: "command line: column 17: not a printable ASCII character"},
		{name: "utf-8", line: "ä", err: "command line: column 1: not a printable ASCII character"},
		{name: "escaped control", line: "a\\\x01", err: "command line: column 3: not a printable ASCII character"},
		{name: "too long", line: strings.Repeat("x", 1025), err: "command line: longer than 1024 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Params(tt.line)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if text := errorText(err); text != tt.err {
				t.Errorf("error %q, want %q", text, tt.err)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func FuzzParams(f *testing.F) {
	f.Add(`xen_grub_env_a="b c" root=/dev/xvda1`)
	f.Add(`xen_grub_env_a='b'\ c xen_grub_env_flag`)
	f.Fuzz(func(t *testing.T, line string) {
		params, err := Params(line)
		if err != nil && params != nil {
			t.Errorf("both %v and %v", params, err)
		}
		// What was read, quoted, must read the same again.
		var quoted []string
		for _, p := range params {
			if !strings.HasPrefix(p.Name, paramPrefix) || !paramName(p.Name) {
				t.Errorf("bad name %q", p.Name)
			}
			quoted = append(quoted, p.Name+"="+strings.NewReplacer(`\`, `\\`, `"`, `\"`, `'`, `\'`, ` `, `\ `).Replace(p.Value))
		}
		again, err := Params(strings.Join(quoted, " "))
		if len(strings.Join(quoted, " ")) > maxCmdLine {
			return
		}
		if diff := cmp.Diff(params, again); diff != "" || err != nil {
			t.Errorf("reads differently when quoted: %v\n%s", err, diff)
		}
	})
}
