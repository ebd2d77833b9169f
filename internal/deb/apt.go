package deb

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// apt runs apt-get and apt-cache with a configuration of their own.
type apt struct {
	dir      string // holds configuration, state and cache
	arch     string
	progress io.Writer
}

// configure writes the configuration of a suite's apt.
func (s *Suite) configure(ctx context.Context) (*apt, error) {
	keyring, err := s.keyring(ctx)
	if err != nil {
		return nil, err
	}
	a := &apt{dir: s.dir("apt"), arch: s.Arch, progress: s.Progress}
	for _, dir := range []string{"state/lists/partial", "cache/archives/partial", "etc/preferences.d", "etc/parts", "etc/trusted"} {
		if err := os.MkdirAll(filepath.Join(a.dir, dir), 0o755); err != nil {
			return nil, err
		}
	}
	proxies, err := hostProxies(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := os.ReadFile(keyring)
	if err != nil {
		return nil, err
	}
	files := map[string]string{
		"apt.conf":     aptConf(a.dir, s.Arch) + proxies,
		"status":       "",
		"sources.list": s.sources(),
		// Not signed-by= in sources.list, which has no way to quote a space.
		"etc/trusted/debian.gpg": string(keys),
	}
	for name, content := range files {
		if err := writeFile(filepath.Join(a.dir, name), content); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// sources lists the archives that the suite is fetched from.
func (s *Suite) sources() string {
	list := fmt.Sprintf("deb [arch=%s] %s %s main\n", s.Arch, envOr(EnvMirror, defaultMirror), s.Name)
	if !s.MainOnly {
		list += fmt.Sprintf("deb [arch=%s] %s %s-security main\n", s.Arch, envOr(EnvSecurityMirror, defaultSecurityMirror), s.Name)
	}
	return list
}

// aptConf says where everything is, and that nothing unsigned is taken.
func aptConf(dir, arch string) string {
	return fmt.Sprintf(`Dir %[1]q;
Dir::State %[2]q;
Dir::State::status %[3]q;
Dir::Cache %[4]q;
Dir::Etc %[5]q;
Dir::Etc::parts "parts";
Dir::Etc::main "none";
Dir::Etc::sourcelist %[6]q;
Dir::Etc::sourceparts "none";
Dir::Etc::trusted "none";
Dir::Etc::trustedparts "trusted";
Dir::Log %[2]q;
APT::Architecture %[7]q;
APT::Architectures { %[7]q; };
APT::Sandbox::User "";
APT::Get::AllowUnauthenticated "false";
APT::Update::Error-Mode "any";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
`, dir, filepath.Join(dir, "state"), filepath.Join(dir, "status"), filepath.Join(dir, "cache"),
		filepath.Join(dir, "etc"), filepath.Join(dir, "sources.list"), arch)
}

// proxySetting matches the lines of apt-config dump that say how to reach a
// mirror from this machine.
var proxySetting = regexp.MustCompile(`(?m)^Acquire::(https?|ftp)::(?i:proxy)[^ ]* ".*";$`)

// hostProxies returns the proxies that the machine's own apt uses.
func hostProxies(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "apt-config", "dump").Output()
	if err != nil {
		return "", fmt.Errorf("apt-config dump: %w", err)
	}
	var lines strings.Builder
	for _, line := range proxySetting.FindAll(out, -1) {
		lines.Write(line)
		lines.WriteByte('\n')
	}
	return lines.String(), nil
}

// hasIndex says whether the archive's index was ever read.
func (a *apt) hasIndex() bool {
	lists, err := filepath.Glob(filepath.Join(a.dir, "state/lists/*_Packages*"))
	return err == nil && len(lists) > 0
}

// update reads the archive's index and verifies its signature.
func (a *apt) update(ctx context.Context) error {
	return a.show(a.command(ctx, "apt-get", "update"))
}

// download fetches packages into dir and verifies them.
func (a *apt) download(ctx context.Context, dir string, names []string) error {
	cmd := a.command(ctx, "apt-get", append([]string{"download"}, names...)...)
	cmd.Dir = dir
	return a.show(cmd)
}

// metaPackage matches the packages that only depend on a kernel.
var metaPackage = regexp.MustCompile(`^linux-image-(?:cloud-)?[a-z0-9]+$`)

// kernelDepends matches the kernel in a metapackage's dependencies.
var kernelDepends = regexp.MustCompile(`(?m)^Depends:.*?\b(linux-image-[0-9][^ ,]*)`)

// resolve returns the package to fetch for a name: the kernel that a kernel
// metapackage depends on, else the name itself.
func (a *apt) resolve(ctx context.Context, name string) (string, error) {
	if !metaPackage.MatchString(name) {
		return name, nil
	}
	out, err := a.command(ctx, "apt-cache", "--no-all-versions", "show", name).Output()
	if err != nil {
		return "", fmt.Errorf("apt-cache show %s: %w", name, err)
	}
	m := kernelDepends.FindSubmatch(out)
	if m == nil {
		return "", fmt.Errorf("apt-cache show %s: depends on no kernel", name)
	}
	return string(m[1]), nil
}

func (a *apt) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "APT_CONFIG="+filepath.Join(a.dir, "apt.conf"), "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive")
	return cmd
}

// show runs a command, its messages going to the progress writer as they come.
// On a terminal, apt-get draws its own progress bar.
func (a *apt) show(cmd *exec.Cmd) error {
	var msg bytes.Buffer
	out := io.MultiWriter(a.progress, &msg)
	cmd.Stdout, cmd.Stderr = out, out // one writer: no two write at once
	if f, ok := a.progress.(*os.File); ok {
		cmd.Stdout = f
	}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, lastLine(msg.String()))
	}
	return nil
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}

func envOr(name, value string) string {
	if v := os.Getenv(name); v != "" {
		return strings.TrimRight(v, "/")
	}
	return value
}
