package main

// #include <stdlib.h>
// #include "module.h"
import "C"

import (
	"strings"
	"sync"
	"unsafe"

	"esent/internal/engine"
	"esent/internal/jet"
)

// modules are the libraries that callbacks of the catalog were found in, by name in lower case. They stay loaded.
var modules = struct {
	mu     sync.Mutex
	loaded map[string]unsafe.Pointer
}{loaded: map[string]unsafe.Pointer{}}

// resolveCallback finds a function by "module!function". Without a module of that name a shared library of it with the
// suffix of the platform will do; "" is the program itself.
func resolveCallback(name string, data []byte) (engine.CallbackFunc, error) {
	module, function, ok := strings.Cut(name, "!")
	if !ok || len(name) > jet.CbColumnMost {
		return nil, jet.ErrInvalidParameter
	}
	h, err := loadModule(module)
	if err != nil {
		return nil, err
	}
	text := C.CString(function)
	defer C.free(unsafe.Pointer(text))
	f := C.esent_find_function(h, text)
	if f == nil {
		return nil, jet.ErrCallbackNotResolved
	}
	return recordCallback(f, nil, data), nil
}

func loadModule(name string) (unsafe.Pointer, error) {
	modules.mu.Lock()
	defer modules.mu.Unlock()
	k := strings.ToLower(name)
	if h := modules.loaded[k]; h != nil {
		return h, nil
	}
	for _, file := range []string{name, name + ".so", "lib" + name + ".so"} {
		var text *C.char
		if name != "" {
			text = C.CString(file)
		}
		h := C.esent_load_module(text)
		C.free(unsafe.Pointer(text))
		if h != nil {
			modules.loaded[k] = h
			return h, nil
		}
	}
	return nil, jet.ErrCallbackNotResolved
}
