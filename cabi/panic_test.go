package main

import (
	"errors"
	"fmt"
	"testing"

	"esent/internal/jet"
)

func TestResult(t *testing.T) {
	for _, c := range []struct {
		err  error
		want jet.Err
	}{
		{nil, jet.ErrSuccess},
		{jet.ErrRecordNotFound, jet.ErrRecordNotFound},
		{jet.WrnColumnNull, jet.WrnColumnNull},
		{fmt.Errorf("move: %w", jet.ErrNoCurrentRecord), jet.ErrNoCurrentRecord},
		{errors.New("no code"), jet.ErrInternalError},
	} {
		if got := result(c.err); jet.Err(got) != c.want {
			t.Errorf("%v: %d", c.err, got)
		}
	}
}

func TestPanicBecomesACode(t *testing.T) {
	defer func(old func(uintptr, any, []byte)) { panicked = old }(panicked)
	var handle uintptr
	var value any
	panicked = func(h uintptr, v any, stack []byte) {
		handle, value = h, v
		if len(stack) == 0 {
			t.Error("no stack")
		}
	}
	rc := result(nil)
	func() {
		defer guard(&rc, 42)
		var nothing *handleTable[int]
		nothing.add(nil)
	}()
	if jet.Err(rc) != jet.ErrInstanceUnavailable || handle != 42 || value == nil {
		t.Errorf("code %d, handle %d, value %v", rc, handle, value)
	}
	handle = 0
	rc = result(jet.ErrRecordNotFound)
	func() { defer guard(&rc, 42) }()
	if jet.Err(rc) != jet.ErrRecordNotFound || handle != 0 {
		t.Errorf("without a panic: code %d, handle %d", rc, handle)
	}
}

func TestBuffers(t *testing.T) {
	p := newBuffer(100)
	if p == nil || p == newBuffer(0) {
		t.Fatal(p)
	}
	if !takeBuffer(p) || takeBuffer(p) || takeBuffer(nil) {
		t.Error("a buffer must be there once")
	}
}

// guarded is what every export does.
//
//go:noinline
func guarded(h uintptr) (rc int32) {
	code := result(nil)
	defer guard(&code, h)
	return int32(code)
}

func BenchmarkGuard(b *testing.B) {
	for b.Loop() {
		guarded(1)
	}
}
