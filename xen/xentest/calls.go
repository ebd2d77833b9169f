package xentest

import (
	"runtime"
	"time"

	"pvboot/hypercall"
)

// errno is a hypercall's return value for an error.
func errno(e hypercall.Errno) int64 { return -int64(e) }

// fault is what a hypercall returns for a handle that leads nowhere.
const fault = -int64(hypercall.ErrFault)

// Call makes a hypercall of the guest's.
func (m *Machine) Call(op hypercall.Op, args ...hypercall.Arg) int64 {
	m.firstCall()
	if m.c.Call != nil {
		if ret, done := m.c.Call(op, args); done {
			return ret
		}
	}
	if op == hypercall.OpSched {
		return m.callSched(args)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch op {
	case hypercall.OpXenVersion:
		return m.callVersion(args)
	case hypercall.OpEventChannel:
		return m.callEventChannel(args)
	case hypercall.OpGrantTable:
		return m.callGrantTable(args)
	case hypercall.OpMemory:
		return m.callMemory(args)
	case hypercall.OpHVM:
		return m.callHVM(args)
	case hypercall.OpVCPU:
		return m.callVCPU(args)
	case hypercall.OpConsoleIO:
		return errno(hypercall.ErrPerm) // as a release build says
	}
	return errno(hypercall.ErrNoSys)
}

func (m *Machine) callVersion(args []hypercall.Arg) int64 {
	switch intOf(args, 0) {
	case hypercall.VersionOpVersion:
		return int64(m.c.Major)<<16 | int64(m.c.Minor)
	case hypercall.VersionOpExtraVersion:
		a := argOf[hypercall.ExtraVersion](args, 1)
		if a == nil {
			return fault
		}
		*a = hypercall.ExtraVersion{}
		copy(a[:len(a)-1], m.c.Extra)
		return 0
	case hypercall.VersionOpGetFeatures:
		a := argOf[hypercall.FeatureInfo](args, 1)
		switch {
		case a == nil:
			return fault
		case a.SubmapIdx > 0:
			return errno(hypercall.ErrInvalid)
		}
		a.Submap = m.c.features()
		return 0
	}
	return errno(hypercall.ErrNoSys)
}

// features is 32 bits of Xen's feature map.
func (c Config) features() uint32 {
	const all = 1 << hypercall.FeatureMemoryOpVnodeSupported
	if c.PV {
		return all | 1<<hypercall.FeatureMMUPTUpdatePreserveAD | 1<<hypercall.FeatureDirectMapped
	}
	const translated = all | 1<<hypercall.FeatureWritablePageTables |
		1<<hypercall.FeatureAutoTranslatedPhysmap | 1<<hypercall.FeatureNotDirectMapped
	if c.Arm {
		return translated
	}
	return translated | 1<<hypercall.FeatureHVMCallbackVector | 1<<hypercall.FeatureHVMSafePVClock
}

func (m *Machine) callHVM(args []hypercall.Arg) int64 {
	a := argOf[hypercall.HVMParam](args, 1)
	if a == nil {
		return fault
	}
	if m.c.PV {
		return errno(hypercall.ErrInvalid) // hvmop_get_param and its kin: is_hvm_domain
	}
	if a.Dom != hypercall.DomSelf && a.Dom != m.c.DomID {
		return errno(hypercall.ErrPerm)
	}
	v, known := m.params[a.Index]
	if !known {
		return errno(hypercall.ErrInvalid)
	}
	switch intOf(args, 0) {
	case hypercall.HVMOpGetParam:
		a.Value = v
		return 0
	case hypercall.HVMOpSetParam:
		if m.c.Arm || a.Index == hypercall.ParamStorePFN || a.Index == hypercall.ParamConsolePFN {
			return errno(hypercall.ErrPerm)
		}
		m.params[a.Index] = a.Value
		m.violation("set %v", a.Index)
		return 0
	}
	return errno(hypercall.ErrNoSys)
}

// callSched is OpSched. It takes mu itself, for it may block.
func (m *Machine) callSched(args []hypercall.Arg) int64 {
	m.timePasses()
	switch intOf(args, 0) {
	case hypercall.SchedOpYield:
		runtime.Gosched()
		return 0
	case hypercall.SchedOpPoll:
		return m.poll(argOf[hypercall.Poll](args, 1))
	case hypercall.SchedOpShutdown:
		a := argOf[hypercall.Shutdown](args, 1)
		if a == nil {
			return fault
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.shutdown = &a.Reason
		return 0
	}
	return errno(hypercall.ErrNoSys)
}

// poll sleeps until the time that the guest said, or until an event comes.
// Real Xen ends a poll without ports at any event whose pending bit was clear;
// a guest that never maps shared_info cannot clear them, so that there it is
// the first event of each port.
func (m *Machine) poll(a *hypercall.Poll) int64 {
	switch {
	case a == nil:
		return fault
	case a.NrPorts > 128:
		return errno(hypercall.ErrInvalid)
	case a.NrPorts == 0 && a.Timeout == 0:
		m.mu.Lock()
		m.violation("poll without ports and without end")
		m.mu.Unlock()
		return errno(hypercall.ErrInvalid)
	}
	m.sleep(time.Duration(int64(a.Timeout) - m.SystemTime()))
	return 0
}

// sleep returns after d, or at the next event.
func (m *Machine) sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	m.mu.Lock()
	wake := m.wake
	m.mu.Unlock()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-wake:
	case <-m.stop:
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.enter()
}

// Sleep blocks the caller for d, or until the next event.
func (m *Machine) Sleep(d time.Duration) error {
	m.firstCall()
	m.timePasses()
	m.sleep(d)
	return nil
}
