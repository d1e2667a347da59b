package main

// #include "window.h"
import "C"

import (
	"unsafe"

	"esent/internal/engine/window"
)

var (
	goWindow window.Window
	goLayout window.Layout
	cWindow  C.struct_esent_window
	cLayout  C.struct_esent_layout
)

// What C and Go see is laid out alike: a difference is an index out of range here, which does not compile.
var (
	_ = [1]struct{}{}[unsafe.Offsetof(goWindow.Busy)-unsafe.Offsetof(cWindow.busy)]
	_ = [1]struct{}{}[unsafe.Offsetof(goWindow.Moved)-unsafe.Offsetof(cWindow.moved)]
	_ = [1]struct{}{}[unsafe.Offsetof(goWindow.Gate)-unsafe.Offsetof(cWindow.gate)]
	_ = [1]struct{}{}[unsafe.Offsetof(goWindow.Session)-unsafe.Offsetof(cWindow.session)]
	_ = [1]struct{}{}[unsafe.Offsetof(goWindow.Cursor)-unsafe.Offsetof(cWindow.cursor)]
	_ = [1]struct{}{}[unsafe.Offsetof(goWindow.Version)-unsafe.Offsetof(cWindow.version)]
	_ = [1]struct{}{}[unsafe.Offsetof(goWindow.Seen)-unsafe.Offsetof(cWindow.seen)]
	_ = [1]struct{}{}[unsafe.Offsetof(goWindow.Page)-unsafe.Offsetof(cWindow.page)]
	_ = [1]struct{}{}[unsafe.Offsetof(goWindow.CleanBelow)-unsafe.Offsetof(cWindow.clean_below)]
	_ = [1]struct{}{}[unsafe.Offsetof(goWindow.PageSize)-unsafe.Offsetof(cWindow.page_size)]
	_ = [1]struct{}{}[unsafe.Offsetof(goWindow.Line)-unsafe.Offsetof(cWindow.line)]
	_ = [1]struct{}{}[unsafe.Offsetof(goWindow.Record)-unsafe.Offsetof(cWindow.record)]
	_ = [1]struct{}{}[unsafe.Offsetof(goWindow.RecordSize)-unsafe.Offsetof(cWindow.record_size)]
	_ = [1]struct{}{}[unsafe.Offsetof(goWindow.Movable)-unsafe.Offsetof(cWindow.movable)]
	_ = [1]struct{}{}[unsafe.Offsetof(goWindow.Layout)-unsafe.Offsetof(cWindow.layout)]
	_ = [1]struct{}{}[unsafe.Offsetof(goWindow.Key)-unsafe.Offsetof(cWindow.key)]
	_ = [1]struct{}{}[unsafe.Offsetof(goWindow.KeySize)-unsafe.Offsetof(cWindow.key_size)]
	_ = [1]struct{}{}[unsafe.Offsetof(goWindow.Now)-unsafe.Offsetof(cWindow.now)]
	_ = [1]struct{}{}[unsafe.Sizeof(goWindow)-unsafe.Sizeof(cWindow)]
	_ = [1]struct{}{}[unsafe.Offsetof(goLayout.Stale)-unsafe.Offsetof(cLayout.stale)]
	_ = [1]struct{}{}[unsafe.Offsetof(goLayout.Large)-unsafe.Offsetof(cLayout.large)]
	_ = [1]struct{}{}[unsafe.Offsetof(goLayout.Fixed)-unsafe.Offsetof(cLayout.fixed)]
	_ = [1]struct{}{}[unsafe.Offsetof(goLayout.Var)-unsafe.Offsetof(cLayout._var)]
	_ = [1]struct{}{}[unsafe.Offsetof(goLayout.Tagged)-unsafe.Offsetof(cLayout.tagged)]
	_ = [1]struct{}{}[unsafe.Sizeof(goLayout)-unsafe.Sizeof(cLayout)]
	_ = [1]struct{}{}[C.ESENT_KEY_MOST-window.KeyMost]
	_ = [1]struct{}{}[C.ESENT_BUSY_INSIDE-window.BusyInside]
)
