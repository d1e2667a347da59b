package main

// #include <stdlib.h>
// #include "../include/esent.h"
import "C"

import (
	"unsafe"

	"esent/internal/engine"
	"esent/internal/jet"
)

// instanceList gives instances and their databases in one block, which the caller frees with JetFreeBuffer:
// an array of JET_INSTANCE_INFO, and behind it the arrays of pointers and the texts. nil for no instances.
func (cs charset) instanceList(list []engine.InstanceInfo) (unsafe.Pointer, error) {
	if len(list) == 0 {
		return nil, nil
	}
	size := infoSize(len(list) * C.sizeof_JET_INSTANCE_INFO_A)
	for i := range list {
		size += 2*infoSize(len(list[i].Databases)*int(unsafe.Sizeof(uintptr(0)))) + infoSize(cs.pathSize(list[i].Name))
		for _, path := range list[i].Databases {
			size += infoSize(cs.pathSize(path))
		}
	}
	p := newBuffer(size)
	if p == nil {
		return nil, jet.ErrOutOfMemory
	}
	s := &infoSpace{buffer: unsafe.Slice((*byte)(p), size)}
	if err := cs.putInstances(s, list); err != nil {
		takeBuffer(p)
		C.free(p)
		return nil, err
	}
	return p, nil
}

// infoSize is what infoSpace needs for n bytes.
func infoSize(n int) int { return (n + 7) &^ 7 }

func (cs charset) putInstances(s *infoSpace, list []engine.InstanceInfo) error {
	array, err := takeArray[C.JET_INSTANCE_INFO_A](s, len(list))
	if err != nil {
		return err
	}
	for i := range list {
		h, err := instanceHandleOf(list[i].Instance)
		if err != nil {
			return err
		}
		out := &array[i]
		out.hInstanceId, out.cDatabases = C.JET_INSTANCE(h), C.JET_API_PTR(len(list[i].Databases))
		if out.szInstanceName, err = s.path(cs, list[i].Name); err != nil {
			return err
		}
		if len(list[i].Databases) == 0 {
			continue
		}
		paths, err := takeArray[*C.char](s, len(list[i].Databases))
		if err != nil {
			return err
		}
		none, err := takeArray[*C.char](s, len(paths)) // neither display names nor streaming files
		if err != nil {
			return err
		}
		out.szDatabaseFileName, out.szDatabaseDisplayName, out.szDatabaseSLVFileName_Obsolete = &paths[0], &none[0], &none[0]
		for k := range paths {
			if paths[k], err = s.path(cs, list[i].Databases[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

// pathSize is the size of a path, or another full Unicode text, with its NUL.
func (cs charset) pathSize(text string) int {
	if cs == textA {
		return len(text) + 1
	}
	need, _ := putPathW(nil, text)
	return int(need)
}

// path gives a path, or another full Unicode text.
func (s *infoSpace) path(cs charset, text string) (*C.char, error) {
	b, err := s.take(cs.pathSize(text))
	if err != nil {
		return nil, err
	}
	if cs == textW {
		putPathW(b, text)
	} else {
		putTextA(b, text)
	}
	return (*C.char)(unsafe.Pointer(unsafe.SliceData(b))), nil
}

// instanceInfo answers JetGetInstanceInfo.
func (cs charset) instanceInfo(count *C.uint32_t, out *unsafe.Pointer) error {
	if count == nil || out == nil {
		return jet.ErrInvalidParameter
	}
	list := process.InstanceInfos()
	p, err := cs.instanceList(list)
	if err == nil {
		*count, *out = C.uint32_t(len(list)), p
	}
	return err
}

//export esent_JetGetInstanceInfoA
func esent_JetGetInstanceInfoA(pcInstanceInfo *C.uint32_t, paInstanceInfo **C.JET_INSTANCE_INFO_A) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return result(textA.instanceInfo(pcInstanceInfo, (*unsafe.Pointer)(unsafe.Pointer(paInstanceInfo))))
}

//export esent_JetGetInstanceInfoW
func esent_JetGetInstanceInfoW(pcInstanceInfo *C.uint32_t, paInstanceInfo **C.JET_INSTANCE_INFO_W) (rc C.JET_ERR) {
	defer guard(&rc, 0)
	return result(textW.instanceInfo(pcInstanceInfo, (*unsafe.Pointer)(unsafe.Pointer(paInstanceInfo))))
}
