package grub

// setBuiltins sets the variables that GRUB 2.12 has before any script runs
// (manual, section "Special environment variables"; the features are those
// of GRUB's normal mode). PvGRUB's platform is xen, or xen_pvh in a PVH
// domain; hosts may set grub_platform again. GRUB has no port to Xen on other
// processors: their platform is xen as well, and surely not efi.
func (in *Interp) setBuiltins() {
	for _, v := range [...][2]string{
		{"?", "0"},
		{"grub_cpu", grubCPU(in.host.Arch())},
		{"grub_platform", "xen"},
		{"lang", ""},
		{"pager", ""},
		{"color_normal", "light-gray/black"},
		{"color_highlight", "black/light-gray"},
		{"feature_200_final", "y"},
		{"feature_all_video_module", "y"},
		{"feature_chainloader_bpb", "y"},
		{"feature_default_font_path", "y"},
		{"feature_menuentry_id", "y"},
		{"feature_menuentry_options", "y"},
		{"feature_nativedisk_cmd", "y"},
		{"feature_ntldr", "y"},
		{"feature_platform_search_hint", "y"},
		{"feature_timeout_style", "y"},
	} {
		in.env.Set(v[0], v[1])
		in.env.Export(v[0])
	}
}

// grubCPU is GRUB's name of an architecture (its target_cpu).
func grubCPU(arch string) string {
	switch arch {
	case "amd64":
		return "x86_64"
	case "386":
		return "i386"
	case "ppc64", "ppc64le":
		return "powerpc"
	case "loong64":
		return "loongarch64"
	}
	return arch // arm64, riscv64 and others have one name
}
