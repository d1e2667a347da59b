package main

/*
#include <stdlib.h>
#include "../include/esent.h"
#include "guard.h"

static inline JET_ERR call_durable(void *f, JET_INSTANCE instance, JET_COMMIT_ID *id, JET_GRBIT grbit)
{
    return ((JET_PFNDURABLECOMMITCALLBACK)f)(instance, id, grbit);
}
*/
import "C"

import (
	"unsafe"

	"esent/internal/engine"
	"esent/internal/jet"
)

func createInstance(out *C.JET_INSTANCE, name, display string) error {
	if out == nil {
		return jet.ErrInvalidParameter
	}
	*out = C.JET_INSTANCE(nilHandle)
	i, err := process.CreateInstance(name, display)
	if err != nil {
		return err
	}
	h, err := instanceHandleOf(i)
	if err == nil {
		*out = C.JET_INSTANCE(h)
	}
	return err
}

//export esent_JetCreateInstanceA
func esent_JetCreateInstanceA(pinstance *C.JET_INSTANCE, szInstanceName C.JET_PCSTR) (rc C.JET_ERR) {
	return esent_JetCreateInstance2A(pinstance, szInstanceName, nil, 0)
}

//export esent_JetCreateInstanceW
func esent_JetCreateInstanceW(pinstance *C.JET_INSTANCE, szInstanceName C.JET_PCWSTR) (rc C.JET_ERR) {
	return esent_JetCreateInstance2W(pinstance, szInstanceName, nil, 0)
}

//export esent_JetCreateInstance2A
func esent_JetCreateInstance2A(pinstance *C.JET_INSTANCE, szInstanceName, szDisplayName C.JET_PCSTR, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	name, ok1 := pathA(unsafe.Pointer(szInstanceName))
	display, ok2 := pathA(unsafe.Pointer(szDisplayName))
	if !ok1 || !ok2 {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	return result(createInstance(pinstance, name, display))
}

//export esent_JetCreateInstance2W
func esent_JetCreateInstance2W(pinstance *C.JET_INSTANCE, szInstanceName, szDisplayName C.JET_PCWSTR, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	name, ok1 := wString(units(szInstanceName))
	display, ok2 := wString(units(szDisplayName))
	if !ok1 || !ok2 {
		return C.JET_ERR(jet.ErrUnicodeTranslationFail)
	}
	return result(createInstance(pinstance, name, display))
}

// watchCommits has the application's callback told of durable commits (JET_paramDurableCommitCallback).
func watchCommits(i *engine.Instance, h uintptr) {
	f, _, _, err := process.GetParam(engine.ParamTarget{Instance: i}, jet.ParamDurableCommitCallback)
	if err != nil || f == 0 {
		return
	}
	i.SetDurableCommitCallback(func(id engine.CommitID, down bool) {
		c := (*C.JET_COMMIT_ID)(C.calloc(1, C.sizeof_JET_COMMIT_ID))
		defer C.free(unsafe.Pointer(c))
		putCommitID(c, &id)
		var grbit C.JET_GRBIT
		if down {
			grbit = C.JET_bitDurableCommitCallbackLogUnavailable
		}
		C.call_durable(pointer(uintptr(f)), C.JET_INSTANCE(h), c, grbit)
	})
}

// pointer turns a number that C passed as a pointer back into one.
func pointer(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }

func term(h C.JET_INSTANCE, grbit jet.Grbit) error {
	i, err := instanceArgument(h)
	if err != nil {
		return err
	}
	if C.esent_callbacks_running() > 0 {
		return jet.ErrSessionSharingViolation // it would wait for the call that it is made in
	}
	err = i.Term(grbit)
	if err == nil || !alive(i) {
		forgetInstance(i)
	}
	return err
}

// alive says whether the engine still knows the instance.
func alive(i *engine.Instance) bool {
	for _, o := range process.Instances() {
		if o == i {
			return true
		}
	}
	return false
}

//export esent_JetTerm
func esent_JetTerm(instance C.JET_INSTANCE) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	return result(term(instance, jet.BitTermAbrupt))
}

//export esent_JetTerm2
func esent_JetTerm2(instance C.JET_INSTANCE, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	return result(term(instance, jet.Grbit(grbit)))
}

//export esent_JetStopService
func esent_JetStopService() (rc C.JET_ERR) {
	defer guard(&rc, 0)
	i, err := process.Single()
	if err != nil {
		return result(err)
	}
	return result(i.StopService(0))
}

//export esent_JetStopServiceInstance
func esent_JetStopServiceInstance(instance C.JET_INSTANCE) (rc C.JET_ERR) {
	return esent_JetStopServiceInstance2(instance, 0)
}

//export esent_JetStopServiceInstance2
func esent_JetStopServiceInstance2(instance C.JET_INSTANCE, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	i, err := instanceArgument(instance)
	if err != nil {
		return result(err)
	}
	return result(i.StopService(jet.Grbit(grbit)))
}

//export esent_JetGetInstanceMiscInfo
func esent_JetGetInstanceMiscInfo(instance C.JET_INSTANCE, pvResult unsafe.Pointer, cbMax, infoLevel C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	i, err := instanceArgument(instance)
	if err != nil {
		return result(err)
	}
	buffer, ok := bytesAt(pvResult, uint32(cbMax))
	if !ok {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	return result(i.MiscInfo(uint32(infoLevel), buffer))
}
