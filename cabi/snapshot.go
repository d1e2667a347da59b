package main

// #include "../include/esent.h"
import "C"

import (
	"unsafe"

	"esent/internal/backup"
	"esent/internal/engine"
	"esent/internal/jet"
)

//export esent_JetOSSnapshotPrepare
func esent_JetOSSnapshotPrepare(psnapId *C.JET_OSSNAPID, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	if psnapId == nil {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	id, err := backups.SnapshotPrepare(process, jet.Grbit(grbit))
	if err == nil {
		*psnapId = C.JET_OSSNAPID(id)
	}
	return result(err)
}

//export esent_JetOSSnapshotPrepareInstance
func esent_JetOSSnapshotPrepareInstance(snapId C.JET_OSSNAPID, instance C.JET_INSTANCE, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	i, err := instanceArgument(instance)
	if err == nil {
		err = backups.SnapshotPrepareInstance(backup.SnapshotID(snapId), i, jet.Grbit(grbit))
	}
	return result(err)
}

// snapshotInstances gives the instances that a call tells of in one block.
func (cs charset) snapshotInstances(count *C.uint32_t, out *unsafe.Pointer, grbit C.JET_GRBIT, call func() ([]engine.InstanceInfo, error)) error {
	switch {
	case grbit != 0:
		return jet.ErrInvalidGrbit
	case count == nil || out == nil:
		return jet.ErrInvalidParameter
	}
	*count, *out = 0, nil
	list, err := call()
	if err != nil {
		return err
	}
	p, err := cs.instanceList(list)
	if err == nil {
		*count, *out = C.uint32_t(len(list)), p
	}
	return err
}

func (cs charset) freeze(id C.JET_OSSNAPID, count *C.uint32_t, out *unsafe.Pointer, grbit C.JET_GRBIT) error {
	frozen := false
	err := cs.snapshotInstances(count, out, grbit, func() ([]engine.InstanceInfo, error) {
		list, err := backups.SnapshotFreeze(process, backup.SnapshotID(id), 0)
		frozen = err == nil
		return list, err
	})
	if err != nil && frozen {
		_ = backups.SnapshotThaw(backup.SnapshotID(id), 0) // the caller does not know that there is something to thaw
	}
	return err
}

//export esent_JetOSSnapshotFreezeA
func esent_JetOSSnapshotFreezeA(snapId C.JET_OSSNAPID, pcInstanceInfo *C.uint32_t, paInstanceInfo **C.JET_INSTANCE_INFO_A, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return result(textA.freeze(snapId, pcInstanceInfo, (*unsafe.Pointer)(unsafe.Pointer(paInstanceInfo)), grbit))
}

//export esent_JetOSSnapshotFreezeW
func esent_JetOSSnapshotFreezeW(snapId C.JET_OSSNAPID, pcInstanceInfo *C.uint32_t, paInstanceInfo **C.JET_INSTANCE_INFO_W, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return result(textW.freeze(snapId, pcInstanceInfo, (*unsafe.Pointer)(unsafe.Pointer(paInstanceInfo)), grbit))
}

func (cs charset) freezeInfo(id C.JET_OSSNAPID, count *C.uint32_t, out *unsafe.Pointer, grbit C.JET_GRBIT) error {
	return cs.snapshotInstances(count, out, grbit, func() ([]engine.InstanceInfo, error) {
		return backups.SnapshotFreezeInfo(process, backup.SnapshotID(id), 0)
	})
}

//export esent_JetOSSnapshotGetFreezeInfoA
func esent_JetOSSnapshotGetFreezeInfoA(snapId C.JET_OSSNAPID, pcInstanceInfo *C.uint32_t, paInstanceInfo **C.JET_INSTANCE_INFO_A, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return result(textA.freezeInfo(snapId, pcInstanceInfo, (*unsafe.Pointer)(unsafe.Pointer(paInstanceInfo)), grbit))
}

//export esent_JetOSSnapshotGetFreezeInfoW
func esent_JetOSSnapshotGetFreezeInfoW(snapId C.JET_OSSNAPID, pcInstanceInfo *C.uint32_t, paInstanceInfo **C.JET_INSTANCE_INFO_W, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return result(textW.freezeInfo(snapId, pcInstanceInfo, (*unsafe.Pointer)(unsafe.Pointer(paInstanceInfo)), grbit))
}

//export esent_JetOSSnapshotThaw
func esent_JetOSSnapshotThaw(snapId C.JET_OSSNAPID, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return result(backups.SnapshotThaw(backup.SnapshotID(snapId), jet.Grbit(grbit)))
}

//export esent_JetOSSnapshotTruncateLog
func esent_JetOSSnapshotTruncateLog(snapId C.JET_OSSNAPID, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return result(backups.SnapshotTruncate(backup.SnapshotID(snapId), nil, jet.Grbit(grbit)))
}

//export esent_JetOSSnapshotTruncateLogInstance
func esent_JetOSSnapshotTruncateLogInstance(snapId C.JET_OSSNAPID, instance C.JET_INSTANCE, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	i, err := instanceArgument(instance)
	if err == nil {
		err = backups.SnapshotTruncate(backup.SnapshotID(snapId), i, jet.Grbit(grbit))
	}
	return result(err)
}

//export esent_JetOSSnapshotEnd
func esent_JetOSSnapshotEnd(snapId C.JET_OSSNAPID, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return result(backups.SnapshotEnd(backup.SnapshotID(snapId), jet.Grbit(grbit)))
}

//export esent_JetOSSnapshotAbort
func esent_JetOSSnapshotAbort(snapId C.JET_OSSNAPID, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return result(backups.SnapshotAbort(backup.SnapshotID(snapId), jet.Grbit(grbit)))
}
