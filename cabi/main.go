// Package main is the C API: libesent.so (esent.dll on Windows), built with -buildmode=c-shared.
//
// It owns the border between C and Go and nothing else: no engine logic lives here. Three layers:
//
//   - exports_gen.c (generated) defines every function of the API. Each asks whether this process owns the
//     runtime (guard.h) and calls its Go side esent_JetX; a function without one says
//     JET_errFeatureNotAvailable. The generator finds the Go sides by their export comments, so adding a
//     function is: write esent_JetX, run make generate.
//   - The Go sides, one file per part of the API. Each does the same four things: look the handle up,
//     convert the arguments, call the engine, convert the result.
//   - What they share: handle.go (handles), marshal.go (memory and text), panic.go (results, panics),
//     buffer.go (memory that the caller frees with JetFreeBuffer).
//
// Only C programs call this package.
package main

// #cgo CFLAGS: -std=gnu99 -O2 -Wall -DJET_VERSION=0x0A02
// #cgo LDFLAGS: -lpthread
import "C"

func main() {}
