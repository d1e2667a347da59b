package main

/*
#include <stdlib.h>
#include "../include/esent.h"

static inline JET_ERR call_status(JET_PFNSTATUS f, JET_SNP snp, JET_SNT snt, uint32_t done, uint32_t total)
{
    JET_SNPROG p = {sizeof p, done, total};
    return f(JET_sesidNil, snp, snt, &p);
}

static inline JET_ERR call_init(JET_PFNINITCALLBACK f, JET_SNT snt, uint32_t done, uint32_t total, void *context)
{
    JET_SNPROG p = {sizeof p, done, total};
    return f(JET_snpRestore, snt, &p, context);
}

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

// initInstance starts the instance that *pinstance names, or a new one (spec chapter 01, 2.1 and 2.3).
func initInstance(pinstance *C.JET_INSTANCE, o engine.InitOptions) (jet.Err, error) {
	var given *engine.Instance
	if pinstance != nil && !noHandle(uintptr(*pinstance)) {
		if given = instances.get(uintptr(*pinstance)); given == nil {
			// Only single-instance mode does not look at the handle.
			if _, err := process.Single(); err != nil {
				return 0, jet.ErrInvalidParameter
			}
		}
	}
	i, err := process.ForInit(given, pinstance == nil)
	if err != nil {
		return 0, err
	}
	h, err := instanceHandleOf(i)
	if err != nil {
		return 0, err
	}
	watchCommits(i, h)
	warning, err := i.Init(o)
	switch jet.CodeOf(err) {
	case jet.ErrSuccess:
		if pinstance != nil {
			*pinstance = C.JET_INSTANCE(h)
		}
	case jet.ErrAlreadyInitialized, jet.ErrInitInProgress, jet.ErrTermInProgress, jet.ErrRestoreInProgress:
	default:
		forgetInstance(i)
		if pinstance != nil {
			*pinstance = 0
		}
	}
	return warning, err
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

func warned(warning jet.Err, err error) C.JET_ERR {
	if err != nil {
		return result(err)
	}
	return C.JET_ERR(warning)
}

//export esent_JetInit
func esent_JetInit(pinstance *C.JET_INSTANCE) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return warned(initInstance(pinstance, engine.InitOptions{}))
}

//export esent_JetInit2
func esent_JetInit2(pinstance *C.JET_INSTANCE, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return warned(initInstance(pinstance, engine.InitOptions{Grbit: jet.Grbit(grbit)}))
}

// statusProgress tells a status callback of recovery's progress (spec chapter 05, 24).
func statusProgress(f C.JET_PFNSTATUS) func(done, total int) error {
	if f == nil {
		return nil
	}
	return func(done, total int) error {
		snt := C.JET_SNT(C.JET_sntProgress)
		switch {
		case done == 0:
			snt = C.JET_sntBegin
		case done == total:
			snt = C.JET_sntComplete
		}
		C.call_status(f, C.JET_snpRestore, snt, C.uint32_t(done), C.uint32_t(total))
		return nil
	}
}

//export esent_JetInit3A
func esent_JetInit3A(pinstance *C.JET_INSTANCE, prstInfo *C.JET_RSTINFO_A, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	o := engine.InitOptions{Grbit: jet.Grbit(grbit)}
	if prstInfo != nil {
		if prstInfo.cbStruct != C.sizeof_JET_RSTINFO_A || prstInfo.crstmap < 0 {
			return C.JET_ERR(jet.ErrInvalidParameter)
		}
		entries, ok := sliceAt(prstInfo.rgrstmap, uint32(prstInfo.crstmap))
		if !ok {
			return C.JET_ERR(jet.ErrInvalidParameter)
		}
		for k := range entries {
			f, ok1 := pathA(unsafe.Pointer(entries[k].szDatabaseName))
			t, ok2 := pathA(unsafe.Pointer(entries[k].szNewDatabaseName))
			if !ok1 || !ok2 {
				return C.JET_ERR(jet.ErrInvalidParameter)
			}
			o.Maps = append(o.Maps, engine.DatabaseMap{From: f, To: t})
		}
		o.HasMap, o.Progress = true, statusProgress(prstInfo.pfnStatus)
	}
	return warned(initInstance(pinstance, o))
}

//export esent_JetInit3W
func esent_JetInit3W(pinstance *C.JET_INSTANCE, prstInfo *C.JET_RSTINFO_W, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	o := engine.InitOptions{Grbit: jet.Grbit(grbit)}
	if prstInfo != nil {
		if prstInfo.cbStruct != C.sizeof_JET_RSTINFO_W || prstInfo.crstmap < 0 {
			return C.JET_ERR(jet.ErrInvalidParameter)
		}
		entries, ok := sliceAt(prstInfo.rgrstmap, uint32(prstInfo.crstmap))
		if !ok {
			return C.JET_ERR(jet.ErrInvalidParameter)
		}
		for k := range entries {
			f, ok1 := wString(units(entries[k].szDatabaseName))
			t, ok2 := wString(units(entries[k].szNewDatabaseName))
			if !ok1 || !ok2 {
				return C.JET_ERR(jet.ErrUnicodeTranslationFail)
			}
			o.Maps = append(o.Maps, engine.DatabaseMap{From: f, To: t})
		}
		o.HasMap, o.Progress = true, statusProgress(prstInfo.pfnStatus)
	}
	return warned(initInstance(pinstance, o))
}

func term(h C.JET_INSTANCE, grbit jet.Grbit) error {
	i, err := instanceArgument(h)
	if err != nil {
		return err
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
