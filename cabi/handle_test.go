package main

import (
	"sync"
	"testing"
)

func TestHandles(t *testing.T) {
	type object struct{ n int }
	sessions, cursors := handleTable[object]{kind: sessionHandle}, handleTable[object]{kind: cursorHandle}
	objects, handles := make([]object, 3*chunkSlots), map[uintptr]bool{}
	for i := range objects {
		objects[i].n = i
		h, ok := sessions.add(&objects[i])
		if !ok || h == 0 || h == ^uintptr(0) || handles[h] {
			t.Fatalf("handle %#x, %v", h, ok)
		}
		handles[h] = true
		if sessions.get(h) != &objects[i] {
			t.Fatalf("%#x: another object", h)
		}
		if cursors.get(h) != nil {
			t.Fatalf("%#x: a session is a cursor", h)
		}
	}
	first, _ := sessions.add(&object{})
	if sessions.remove(first) == nil {
		t.Error("not removed")
	}
	if sessions.remove(first) != nil || sessions.get(first) != nil {
		t.Error("a closed handle has an object")
	}
	second, _ := sessions.add(&object{})
	if second == first || uint32(second) != uint32(first) {
		t.Errorf("slot of %#x not used again under another number: %#x", first, second)
	}
	if sessions.get(first) != nil || sessions.get(second) == nil {
		t.Error("the old handle finds the new object")
	}
	for _, h := range []uintptr{0, ^uintptr(0), 1, second + 1<<32, second ^ 1<<slotBits, second | 0x0FFFFFFF, uintptr(sessionHandle)<<slotBits | 4*chunkSlots} {
		if sessions.get(h) != nil || sessions.remove(h) != nil {
			t.Errorf("invented handle %#x has an object", h)
		}
	}
}

func TestHandleGenerationsWrap(t *testing.T) {
	table := handleTable[int]{kind: cursorHandle}
	h, _ := table.add(new(int))
	slot := &table.chunks[0].Load()[0]
	slot.generation.Store(0xFFFFFFFE)
	h |= 0xFFFFFFFE << 32
	if table.remove(h) == nil || slot.generation.Load() != 0 {
		t.Errorf("after %#x comes generation %#x", h, slot.generation.Load())
	}
}

// Readers run beside adding and removing and never see another handle's object.
func TestHandlesAreReadWithoutLock(t *testing.T) {
	type object struct{ handle uintptr }
	table := handleTable[object]{kind: cursorHandle}
	recent := make(chan uintptr, 64)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for range 5000 {
				o := new(object)
				h, ok := table.add(o)
				if !ok {
					t.Error("full")
					return
				}
				o.handle = h
				select {
				case recent <- h:
				default:
				}
				if table.get(h) != o {
					t.Errorf("%#x: another object", h)
				}
				if table.remove(h) != o {
					t.Errorf("%#x: removed another object", h)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for {
		select {
		case h := <-recent:
			table.get(h) // found or not, it must be sound
		case <-done:
			return
		}
	}
}

func TestHandleLookupAllocatesNothing(t *testing.T) {
	table := handleTable[int]{kind: cursorHandle}
	h, _ := table.add(new(int))
	if n := testing.AllocsPerRun(100, func() { table.get(h) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkHandleLookup(b *testing.B) {
	table := handleTable[int]{kind: cursorHandle}
	h, _ := table.add(new(int))
	for b.Loop() {
		if table.get(h) == nil {
			b.Fatal("lost")
		}
	}
}

func TestReturnedHandles(t *testing.T) {
	table := handleTable[int]{kind: cursorHandle}
	a, _ := table.add(new(int))
	table.markReturned(a)
	table.remove(a)
	b, _ := table.add(new(int))
	table.remove(b)
	for h, want := range map[uintptr]bool{a: true, b: false, 0: false, nilHandle: false} {
		if got := table.wasReturned(h); got != want {
			t.Errorf("handle %#x: %v", h, got)
		}
	}
}
