package main

// #include "../include/esent.h"
import "C"

import (
	"unsafe"

	"esent/internal/jet"
)

// errorCategories leads from a code's class to its category and the categories above it, the root first
// (spec chapter 01, 13.7).
var errorCategories = map[string][]C.JET_ERRCAT{
	"unknown":       {C.JET_errcatUnknown},
	"operation":     {C.JET_errcatError, C.JET_errcatOperation},
	"fatal":         {C.JET_errcatError, C.JET_errcatOperation, C.JET_errcatFatal},
	"io":            {C.JET_errcatError, C.JET_errcatOperation, C.JET_errcatIO},
	"resource":      {C.JET_errcatError, C.JET_errcatOperation, C.JET_errcatResource},
	"memory":        {C.JET_errcatError, C.JET_errcatOperation, C.JET_errcatResource, C.JET_errcatMemory},
	"quota":         {C.JET_errcatError, C.JET_errcatOperation, C.JET_errcatResource, C.JET_errcatQuota},
	"disk":          {C.JET_errcatError, C.JET_errcatOperation, C.JET_errcatResource, C.JET_errcatDisk},
	"corruption":    {C.JET_errcatError, C.JET_errcatData, C.JET_errcatCorruption},
	"inconsistent":  {C.JET_errcatError, C.JET_errcatData, C.JET_errcatInconsistent},
	"fragmentation": {C.JET_errcatError, C.JET_errcatData, C.JET_errcatFragmentation},
	"usage":         {C.JET_errcatError, C.JET_errcatApi, C.JET_errcatUsage},
	"state":         {C.JET_errcatError, C.JET_errcatApi, C.JET_errcatState},
}

//export esent_JetGetErrorInfoW
func esent_JetGetErrorInfoW(pvContext, pvResult unsafe.Pointer, cbMax C.uint32_t, infoLevel C.uint32_t, grbit C.JET_GRBIT) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	if infoLevel != C.JET_ErrorInfoSpecificErr || pvContext == nil || grbit != 0 {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	if cbMax < C.sizeof_JET_ERRINFOBASIC_W {
		return C.JET_ERR(jet.ErrInvalidBufferSize)
	}
	if pvResult == nil {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	code := *(*jet.Err)(pvContext)
	categories, ok := errorCategories[code.Class()]
	if !ok {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	info := (*C.JET_ERRINFOBASIC_W)(pvResult)
	*info = C.JET_ERRINFOBASIC_W{
		cbStruct:           C.sizeof_JET_ERRINFOBASIC_W,
		errValue:           C.JET_ERR(code),
		errcatMostSpecific: categories[len(categories)-1],
	}
	for i, c := range categories {
		info.rgCategoricalHierarchy[i] = C.uint8_t(c)
	}
	return 0
}
