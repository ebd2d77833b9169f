package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/internal/xenhost/wire"
)

func TestNormalListing(t *testing.T) {
	got := normalListing(wire.Store{Domain: "1", VM: "0aa-b", Text: `/local/domain/1/vm = "/vm/0aa-b"   (n0,r1)
/local/domain/1/name = "1"   (n0,r1)
/local/domain/1/domid = "1"   (n0,r1)
/local/domain/1/device/vbd/51712/backend = "/local/domain/0/backend/vbd/1/51712"   (n1,r0)
/local/domain/1/device/vbd/51712/state = "1"   (n1,r0)
/local/domain/11/x = "1"   (n11,r0)
/vm/0aa-b/uuid = "0aa-b"   (n0,r1)
/local/domain/0/backend/vbd/1/51712/frontend-id = "1"   (n0,r1)
/local/domain/0/backend/vbd/1/51712/frontend = "/local/domain/1/device/vbd/51712"   (n0,r1)
/local/domain/0/backend/vbd/1/51712/physical-device = "fe:1"   (n0,r1)
`})
	want := `/local/domain/0/backend/vbd/DOMID/51712/frontend = "/local/domain/DOMID/device/vbd/51712"   (n0,rDOMID)
/local/domain/0/backend/vbd/DOMID/51712/frontend-id = "DOMID"   (n0,rDOMID)
/local/domain/0/backend/vbd/DOMID/51712/physical-device = "fe:1"   (n0,rDOMID)
/local/domain/11/x = "1"   (n11,r0)
/local/domain/DOMID/device/vbd/51712/backend = "/local/domain/0/backend/vbd/DOMID/51712"   (nDOMID,r0)
/local/domain/DOMID/device/vbd/51712/state = "1"   (nDOMID,r0)
/local/domain/DOMID/domid = "DOMID"   (n0,rDOMID)
/local/domain/DOMID/name = "1"   (n0,rDOMID)
/local/domain/DOMID/vm = "/vm/UUID"   (n0,rDOMID)
/vm/UUID/uuid = "UUID"   (n0,rDOMID)
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
