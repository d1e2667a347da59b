package main

// #include "../include/esent.h"
import "C"

import (
	"strings"
	"unsafe"

	"esent/internal/engine"
	"esent/internal/jet"
)

// paramTarget says whose parameter is meant. In multi-instance mode a handle must be one of ours.
func paramTarget(instance uintptr, sesid C.JET_SESID) (t engine.ParamTarget, err error) {
	if !noHandle(uintptr(sesid)) {
		if t.Session = sessions.get(uintptr(sesid)); t.Session == nil {
			return t, jet.ErrInvalidSesid
		}
	}
	if !noHandle(instance) {
		if t.Instance = instances.get(instance); t.Instance == nil {
			if _, err := process.Single(); err != nil {
				return t, jet.ErrInvalidParameter
			}
		}
	}
	return t, nil
}

func setSystemParameter(pinstance *C.JET_INSTANCE, sesid C.JET_SESID, id C.uint32_t, number C.JET_API_PTR, text string) error {
	var h uintptr
	if pinstance != nil {
		h = uintptr(*pinstance)
	}
	t, err := paramTarget(h, sesid)
	if err != nil {
		return err
	}
	if jet.ParamID(id) == jet.ParamUnicodeIndexDefault {
		if number != 0 && number < lowestAddress { // a number where the address of a structure belongs
			return jet.ErrInvalidParameter
		}
		return setUnicodeIndexDefault(t, (*C.JET_UNICODEINDEX)(pointer(uintptr(number))))
	}
	return process.SetParam(t, jet.ParamID(id), int64(number), text)
}

// lowestAddress is below where any system maps memory.
const lowestAddress = 1 << 16

func setUnicodeIndexDefault(t engine.ParamTarget, u *C.JET_UNICODEINDEX) error {
	if u == nil {
		return process.SetUnicodeIndexDefault(t, nil)
	}
	return process.SetUnicodeIndexDefault(t, &engine.UnicodeIndex{LCID: uint32(u.lcid), MapFlags: uint32(u.dwMapFlags)})
}

//export esent_JetSetSystemParameterA
func esent_JetSetSystemParameterA(pinstance *C.JET_INSTANCE, sesid C.JET_SESID, paramid C.uint32_t, lParam C.JET_API_PTR, szParam C.JET_PCSTR) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	text, ok := pathA(unsafe.Pointer(szParam))
	if !ok {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	return result(setSystemParameter(pinstance, sesid, paramid, lParam, text))
}

//export esent_JetSetSystemParameterW
func esent_JetSetSystemParameterW(pinstance *C.JET_INSTANCE, sesid C.JET_SESID, paramid C.uint32_t, lParam C.JET_API_PTR, szParam C.JET_PCWSTR) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	text, ok := wString(units(szParam))
	if !ok {
		return C.JET_ERR(jet.ErrUnicodeTranslationFail)
	}
	return result(setSystemParameter(pinstance, sesid, paramid, lParam, text))
}

// getSystemParameter reads a parameter. isText says which output counts; for JET_paramErrorToString the code
// comes in by number.
func getSystemParameter(instance C.JET_INSTANCE, sesid C.JET_SESID, id C.uint32_t, plParam *C.JET_API_PTR, size C.uint32_t) (text string, isText bool, err error) {
	t, err := paramTarget(uintptr(instance), sesid)
	if err != nil {
		return "", false, err
	}
	if jet.ParamID(id) == jet.ParamUnicodeIndexDefault {
		switch {
		case plParam == nil:
			return "", false, jet.ErrInvalidParameter
		case size < C.sizeof_JET_UNICODEINDEX:
			return "", false, jet.ErrBufferTooSmall
		}
		u, err := process.UnicodeIndexDefault(t)
		*(*C.JET_UNICODEINDEX)(unsafe.Pointer(plParam)) = C.JET_UNICODEINDEX{lcid: C.uint32_t(u.LCID), dwMapFlags: C.uint32_t(u.MapFlags)}
		return "", false, err
	}
	if jet.ParamID(id) == jet.ParamErrorToString {
		if plParam == nil {
			return "", true, jet.ErrInvalidParameter
		}
		code := jet.Err(*plParam)
		if code.Name() == "" {
			return "Unknown Error, Unknown Error", true, nil
		}
		return code.Name() + ", " + strings.ToUpper(code.Meaning()[:1]) + code.Meaning()[1:], true, nil
	}
	number, text, isText, err := process.GetParam(t, jet.ParamID(id))
	if err != nil || isText {
		return text, isText, err
	}
	if plParam == nil {
		return "", false, jet.ErrInvalidParameter
	}
	if jet.ParamID(id) == jet.ParamCommitDefault {
		*(*uint32)(unsafe.Pointer(plParam)) = uint32(number)
	} else {
		*plParam = C.JET_API_PTR(number)
	}
	return "", false, nil
}

//export esent_JetGetSystemParameterA
func esent_JetGetSystemParameterA(instance C.JET_INSTANCE, sesid C.JET_SESID, paramid C.uint32_t, plParam *C.JET_API_PTR, szParam C.JET_PSTR, cbMax C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	text, isText, err := getSystemParameter(instance, sesid, paramid, plParam, cbMax)
	if err != nil || !isText {
		return result(err)
	}
	if szParam == nil || cbMax == 0 {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	buffer, ok := bytesAt(unsafe.Pointer(szParam), uint32(cbMax))
	if !ok {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	if !putTextA(buffer, text) {
		return C.JET_ERR(jet.ErrBufferTooSmall)
	}
	return 0
}

//export esent_JetGetSystemParameterW
func esent_JetGetSystemParameterW(instance C.JET_INSTANCE, sesid C.JET_SESID, paramid C.uint32_t, plParam *C.JET_API_PTR, szParam C.JET_PWSTR, cbMax C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(instance))
	text, isText, err := getSystemParameter(instance, sesid, paramid, plParam, cbMax)
	if err != nil || !isText {
		return result(err)
	}
	if szParam == nil || cbMax == 0 {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	buffer, ok := bytesAt(unsafe.Pointer(szParam), uint32(cbMax))
	if !ok {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	if _, fits := putPathW(buffer, text); !fits {
		return C.JET_ERR(jet.ErrBufferTooSmall)
	}
	return 0
}

// enableMultiInstance runs over the parameters of JetEnableMultiInstance and gives each its result.
func enableMultiInstance(items []engine.SetParamItem, errs func(k int, err C.JET_ERR), succeeded *C.uint32_t) error {
	n, err := process.EnableMulti(items)
	for k := range items {
		errs(k, result(items[k].Err))
	}
	put(succeeded, C.uint32_t(n))
	return err
}

//export esent_JetEnableMultiInstanceA
func esent_JetEnableMultiInstanceA(psetsysparam *C.JET_SETSYSPARAM_A, csetsysparam C.uint32_t, pcsetsucceed *C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	params, ok := sliceAt(psetsysparam, uint32(csetsysparam))
	if !ok {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	items := make([]engine.SetParamItem, len(params))
	for k := range params {
		text, ok := pathA(unsafe.Pointer(params[k].sz))
		if !ok {
			return C.JET_ERR(jet.ErrInvalidParameter)
		}
		items[k] = engine.SetParamItem{ID: jet.ParamID(params[k].paramid), Number: int64(params[k].lParam), Text: text}
	}
	return result(enableMultiInstance(items, func(k int, err C.JET_ERR) { params[k].err = err }, pcsetsucceed))
}

//export esent_JetEnableMultiInstanceW
func esent_JetEnableMultiInstanceW(psetsysparam *C.JET_SETSYSPARAM_W, csetsysparam C.uint32_t, pcsetsucceed *C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	params, ok := sliceAt(psetsysparam, uint32(csetsysparam))
	if !ok {
		return C.JET_ERR(jet.ErrInvalidParameter)
	}
	items := make([]engine.SetParamItem, len(params))
	for k := range params {
		text, ok := wString(units(params[k].sz))
		if !ok {
			return C.JET_ERR(jet.ErrUnicodeTranslationFail)
		}
		items[k] = engine.SetParamItem{ID: jet.ParamID(params[k].paramid), Number: int64(params[k].lParam), Text: text}
	}
	return result(enableMultiInstance(items, func(k int, err C.JET_ERR) { params[k].err = err }, pcsetsucceed))
}
