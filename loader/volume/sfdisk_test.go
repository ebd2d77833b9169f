package volume

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSfdisk reads what sfdisk (Debian package fdisk) writes.
func TestSfdisk(t *testing.T) {
	sfdisk, err := exec.LookPath("sfdisk")
	if err != nil {
		sfdisk = "/usr/sbin/sfdisk" // not on everybody's path
	}
	tests := []struct {
		name, script string
		want         []string
	}{
		{"gpt", `label: gpt
label-id: 0F1E2D3C-4B5A-6978-8796-A5B4C3D2E1F0
1 : start=2048, size=4096, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=11111111-2222-3333-4444-555555555555, name="EFI System"
5 : start=8192, size=2048, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE, name="Größe"
`, []string{
			`table "gpt" 0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0`,
			`gpt1 1048576+2097152 c12a7328-f81f-11d2-ba4b-00a0c93ec93b 11111111-2222-3333-4444-555555555555 "EFI System"`,
			`gpt5 4194304+1048576 0fc63daf-8483-4772-8e79-3d69d8477de4 aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee "Größe"`,
		}},
		{"dos", `label: dos
label-id: 0x1234abcd
1 : start=2048, size=2048, type=83, bootable
2 : start=4096, size=12288, type=5
4 : start=16384, size=1024, type=82
5 : start=6144, size=2048, type=83
6 : start=10240, size=1024, type=8e
7 : size=1024, type=83
`, []string{
			`table "msdos" 1234abcd`,
			`msdos1 1048576+1048576 0x83 1234abcd-01 ""`,
			`msdos4 8388608+524288 0x82 1234abcd-04 ""`,
			`msdos5 3145728+1048576 0x83 1234abcd-05 ""`,
			`msdos6 5242880+524288 0x8e 1234abcd-06 ""`,
			`msdos7 6815744+524288 0x83 1234abcd-07 ""`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			img := filepath.Join(t.TempDir(), "disk")
			if err := os.WriteFile(img, make([]byte, 10*mib), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(sfdisk, "--no-reread", "--no-tell-kernel", img)
			cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
			cmd.Stdin = strings.NewReader(tt.script)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("sfdisk (Debian package fdisk): %v\n%s", err, out)
			}
			b, err := os.ReadFile(img)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, scanLines(t, &memDisk{b: b, sector: 512})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
