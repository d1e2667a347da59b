package main

// #include "../include/esent_ext.h"
import "C"

import (
	"os"
	"unsafe"

	"esent/internal/backup/verify"
	"esent/internal/jet"
)

//export esent_EsentBackupVerify
func esent_EsentBackupVerify(pverify *C.ESENT_VERIFY) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	p, err := extension(pverify, unsafe.Sizeof(C.ESENT_VERIFY{}))
	if err != nil {
		return result(err)
	}
	opt := verify.Options{
		Path: extText(p.szPath), Report: extText(p.szReport), TempDir: extText(p.szTemp), Watch: watch(p.pfnProgress, p.pvProgress),
		Rehearse: p.grbit&C.ESENT_bitVerifyRehearse != 0, Streamed: p.grbit&C.ESENT_bitVerifyStreamed != 0,
	}
	switch {
	case p.grbit&^(C.ESENT_bitVerifyRehearse|C.ESENT_bitVerifyStreamed) != 0:
		return result(jet.ErrInvalidGrbit)
	case opt.Path == "":
		return result(jet.ErrInvalidParameter)
	case opt.TempDir == "":
		opt.TempDir = os.TempDir()
	}
	_, err = verify.Run(environment, opt)
	return result(err)
}
