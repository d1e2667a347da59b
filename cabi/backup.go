package main

/*
#include "../include/esent.h"

static inline JET_ERR call_backup_status(JET_PFNSTATUS f, JET_SNP snp, uint32_t snt, uint32_t done, uint32_t total)
{
    JET_SNPROG p = {sizeof p, done, total};
    return f(JET_sesidNil, snp, snt, &p);
}
*/
import "C"

import (
	"esent/internal/backup"
	"esent/internal/engine"
	"esent/internal/jet"
)

var backups = backup.New()

// backupStatus tells a status callback of progress. What it returns is ignored, as the original does: to stop a
// backup, it may call JetStopBackupInstance (spec chapter 06, 6.1).
func backupStatus(snp C.JET_SNP, f C.JET_PFNSTATUS) backup.Status {
	if f == nil {
		return nil
	}
	return func(snt, done, total uint32) {
		C.call_backup_status(f, snp, C.uint32_t(snt), C.uint32_t(done), C.uint32_t(total))
	}
}

// backupInstance gives the instance of a backup call. A handle that never was one is JET_errInvalidInstance
// (spec chapter 06, 5.1).
func backupInstance(h C.JET_INSTANCE) (*engine.Instance, error) {
	i := instances.get(uintptr(h))
	if i == nil && !noHandle(uintptr(h)) {
		if one, err := process.Single(); err == nil {
			return one, nil
		}
		return nil, jet.ErrInvalidInstance
	}
	return process.Resolve(i)
}

func doBackup(find func() (*engine.Instance, error), path pathArgument, grbit C.JET_GRBIT, f C.JET_PFNSTATUS) C.JET_ERR {
	i, err := find()
	if err == nil {
		err = path.err
	}
	if err == nil {
		err = backups.Backup(backup.Of(i), path.text, jet.Grbit(grbit), backupStatus(C.JET_snpBackup, f))
	}
	return result(err)
}

//export esent_JetBackupA
func esent_JetBackupA(szBackupPath C.JET_PCSTR, grbit C.JET_GRBIT, pfnStatus C.JET_PFNSTATUS) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return doBackup(process.Single, pathFromA(szBackupPath), grbit, pfnStatus)
}

//export esent_JetBackupW
func esent_JetBackupW(szBackupPath C.JET_PCWSTR, grbit C.JET_GRBIT, pfnStatus C.JET_PFNSTATUS) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return doBackup(process.Single, pathFromW(szBackupPath), grbit, pfnStatus)
}

//export esent_JetBackupInstanceA
func esent_JetBackupInstanceA(instance C.JET_INSTANCE, szBackupPath C.JET_PCSTR, grbit C.JET_GRBIT, pfnStatus C.JET_PFNSTATUS) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	return doBackup(func() (*engine.Instance, error) { return backupInstance(instance) }, pathFromA(szBackupPath), grbit, pfnStatus)
}

//export esent_JetBackupInstanceW
func esent_JetBackupInstanceW(instance C.JET_INSTANCE, szBackupPath C.JET_PCWSTR, grbit C.JET_GRBIT, pfnStatus C.JET_PFNSTATUS) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	return doBackup(func() (*engine.Instance, error) { return backupInstance(instance) }, pathFromW(szBackupPath), grbit, pfnStatus)
}

//export esent_JetStopBackup
func esent_JetStopBackup() (rc C.JET_ERR) {
	defer guard(&rc, 0)
	i, err := process.Single()
	if err != nil {
		return result(err)
	}
	return result(backups.Stop(backup.Of(i)))
}

//export esent_JetStopBackupInstance
func esent_JetStopBackupInstance(instance C.JET_INSTANCE) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	i, err := backupInstance(instance)
	if err != nil {
		return result(err)
	}
	return result(backups.Stop(backup.Of(i)))
}
