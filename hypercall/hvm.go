package hypercall

import "fmt"

// Commands of OpHVM (public/hvm/hvm_op.h).
const (
	HVMOpSetParam = 0
	HVMOpGetParam = 1
)

// Param is an HVM parameter (public/hvm/params.h, HVM_PARAM_*).
type Param uint32

// Parameters that this library reads.
const (
	ParamCallbackIRQ   Param = 0
	ParamStorePFN      Param = 1
	ParamStoreEvtchn   Param = 2
	ParamConsolePFN    Param = 17
	ParamConsoleEvtchn Param = 18
)

var paramNames = map[Param]string{
	ParamCallbackIRQ:   "HVM_PARAM_CALLBACK_IRQ",
	ParamStorePFN:      "HVM_PARAM_STORE_PFN",
	ParamStoreEvtchn:   "HVM_PARAM_STORE_EVTCHN",
	ParamConsolePFN:    "HVM_PARAM_CONSOLE_PFN",
	ParamConsoleEvtchn: "HVM_PARAM_CONSOLE_EVTCHN",
}

// String gives the header's name of the parameter.
func (p Param) String() string {
	if n, ok := paramNames[p]; ok {
		return n
	}
	return fmt.Sprintf("HVM_PARAM(%d)", uint32(p))
}

// HVMParam is struct xen_hvm_param.
type HVMParam struct {
	Dom   DomID
	Pad   uint16
	Index Param
	Value uint64 // in or out
}

// HVMGetParam reads one of the domain's own parameters.
func HVMGetParam(h Hypervisor, index Param) (uint64, error) {
	a := &HVMParam{Dom: DomSelf, Index: index}
	_, err := result("HVMOP_get_param", h.Call(OpHVM, Int(HVMOpGetParam), Ptr(a)))
	return a.Value, err
}

// HVMSetParam writes one of the domain's own parameters; EPERM for those that
// only the toolstack may write (on Arm: all).
func HVMSetParam(h Hypervisor, index Param, value uint64) error {
	a := &HVMParam{Dom: DomSelf, Index: index, Value: value}
	_, err := result("HVMOP_set_param", h.Call(OpHVM, Int(HVMOpSetParam), Ptr(a)))
	return err
}
