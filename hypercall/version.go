package hypercall

import "bytes"

// Commands of OpXenVersion (public/version.h).
const (
	VersionOpVersion      = 0
	VersionOpExtraVersion = 1
	VersionOpGetFeatures  = 6
)

// ExtraVersion is xen_extraversion_t: NUL terminated text such as ".7".
type ExtraVersion [16]byte

// FeatureInfo is struct xen_feature_info.
type FeatureInfo struct {
	SubmapIdx uint32
	Submap    uint32 // out
}

// Feature is a bit of Xen's feature map (public/features.h, XENFEAT_*).
type Feature uint32

// Features that matter to this library.
const (
	FeatureWritablePageTables     Feature = 0
	FeatureAutoTranslatedPhysmap  Feature = 2
	FeatureMMUPTUpdatePreserveAD  Feature = 5
	FeatureHVMCallbackVector      Feature = 8
	FeatureHVMSafePVClock         Feature = 9
	FeatureDom0                   Feature = 11
	FeatureLinuxRSDPUnrestricted  Feature = 15
	FeatureNotDirectMapped        Feature = 16
	FeatureDirectMapped           Feature = 17
	FeatureRunstatePhysArea       Feature = 18
	FeatureVCPUTimePhysArea       Feature = 19
	FeatureGrantMapIdentity       Feature = 12
	FeatureMemoryOpVnodeSupported Feature = 13
)

// XenVersion returns Xen's version, 4 and 17 for 4.17.
func XenVersion(h Hypervisor) (major, minor int, err error) {
	v, err := result("XENVER_version", h.Call(OpXenVersion, Int(VersionOpVersion), Arg{}))
	return int(v >> 16 & 0xffff), int(v & 0xffff), err
}

// XenExtraVersion returns what follows the version, ".7" for 4.17.7.
func XenExtraVersion(h Hypervisor) (string, error) {
	a := &ExtraVersion{}
	if _, err := result("XENVER_extraversion", h.Call(OpXenVersion, Int(VersionOpExtraVersion), Ptr(a))); err != nil {
		return "", err
	}
	s, _, _ := bytes.Cut(a[:], []byte{0})
	return string(s), nil
}

// XenFeatures returns 32 bits of Xen's feature map: those of features
// 32*submap to 32*submap+31.
func XenFeatures(h Hypervisor, submap uint32) (uint32, error) {
	a := &FeatureInfo{SubmapIdx: submap}
	_, err := result("XENVER_get_features", h.Call(OpXenVersion, Int(VersionOpGetFeatures), Ptr(a)))
	return a.Submap, err
}
