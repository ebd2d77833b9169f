package hypercall

// DomID names a domain (public/xen.h, domid_t).
type DomID uint16

// DomSelf is the calling domain (public/xen.h, DOMID_SELF).
const DomSelf DomID = 0x7ff0
