package main

import (
	"sync"
	"sync/atomic"
)

// A handle is a number that C holds for an object: a slot in a table, the slot's generation and the table's
// kind. A closed handle's slot is given to another object under another generation, so a stale, foreign or
// invented handle finds nothing. Looking up takes no lock and no map.
//
//	63..32 generation (never all ones) | 31..28 kind (never 0) | 27..0 slot
type handleKind uint8

const (
	instanceHandle handleKind = 1 + iota
	sessionHandle
	cursorHandle
	fileHandle
	snapshotHandle
	callbackHandle
)

const (
	slotBits   = 28
	chunkBits  = 10
	chunkSlots = 1 << chunkBits
	chunkCount = 1 << 12 // up to 4 Mi objects of a kind
)

type handleSlot[T any] struct {
	object     atomic.Pointer[T]
	generation atomic.Uint32
	// returned is the generation of the last handle that the caller gave back by itself, plus 1.
	returned atomic.Uint32
}

// handleTable holds the objects of one kind. Slots are made by the chunk and never moved, so that get can
// run beside add and remove.
type handleTable[T any] struct {
	kind   handleKind
	chunks [chunkCount]atomic.Pointer[[chunkSlots]handleSlot[T]]

	mu   sync.Mutex
	used uint32   // slots ever given out
	free []uint32 // slots given back
}

// add gives the object a handle; false means that the table is full.
func (t *handleTable[T]) add(object *T) (uintptr, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var slot uint32
	if n := len(t.free); n > 0 {
		slot, t.free = t.free[n-1], t.free[:n-1]
	} else {
		if slot = t.used; slot == chunkCount*chunkSlots {
			return 0, false
		}
		if slot%chunkSlots == 0 {
			t.chunks[slot>>chunkBits].Store(new([chunkSlots]handleSlot[T]))
		}
		t.used++
	}
	s := &t.chunks[slot>>chunkBits].Load()[slot%chunkSlots]
	s.object.Store(object)
	return uintptr(s.generation.Load())<<32 | uintptr(t.kind)<<slotBits | uintptr(slot), true
}

// get is the object of a handle, nil for a handle that has none.
func (t *handleTable[T]) get(handle uintptr) *T {
	slot := uint32(handle) & (1<<slotBits - 1)
	if uint32(handle)>>slotBits != uint32(t.kind) || slot >= chunkCount*chunkSlots {
		return nil
	}
	chunk := t.chunks[slot>>chunkBits].Load()
	if chunk == nil {
		return nil
	}
	s := &chunk[slot%chunkSlots]
	// The object is read first: as long as the generation stands afterwards, it was this handle's.
	object := s.object.Load()
	if s.generation.Load() != uint32(handle>>32) {
		return nil
	}
	return object
}

// remove ends a handle and returns its object, nil if the handle has none (any more): of two removers only
// one gets the object.
func (t *handleTable[T]) remove(handle uintptr) *T {
	t.mu.Lock()
	defer t.mu.Unlock()
	object := t.get(handle)
	if object == nil {
		return nil
	}
	slot := uint32(handle) & (1<<slotBits - 1)
	s := &t.chunks[slot>>chunkBits].Load()[slot%chunkSlots]
	next := s.generation.Load() + 1
	if next == 0xFFFFFFFF {
		next = 0 // all ones is no handle
	}
	s.generation.Store(next)
	s.object.Store(nil)
	t.free = append(t.free, slot)
	return object
}

// markReturned notes that the caller itself has ended the object behind a handle that is about to be removed.
func (t *handleTable[T]) markReturned(handle uintptr) {
	if t.get(handle) != nil {
		slot := uint32(handle) & (1<<slotBits - 1)
		t.chunks[slot>>chunkBits].Load()[slot%chunkSlots].returned.Store(uint32(handle>>32) + 1)
	}
}

// wasReturned says that a handle was the last of its slot that the caller gave back by itself.
func (t *handleTable[T]) wasReturned(handle uintptr) bool {
	slot := uint32(handle) & (1<<slotBits - 1)
	if uint32(handle)>>slotBits != uint32(t.kind) || slot >= chunkCount*chunkSlots {
		return false
	}
	chunk := t.chunks[slot>>chunkBits].Load()
	return chunk != nil && chunk[slot%chunkSlots].returned.Load() == uint32(handle>>32)+1
}
