//go:build invariants

package order

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"sync"
)

// On says that assertions are on.
const On = true

type lock struct {
	class Class
	rank  uint8
	key   any
}

// goroutines has the locks of each goroutine, *[]lock by number. Only the goroutine itself looks into its list.
var goroutines sync.Map

// mine gives the list of the goroutine and its number.
func mine() (*[]lock, uint64) {
	var buf [64]byte
	var n uint64
	for _, c := range bytes.TrimPrefix(buf[:runtime.Stack(buf[:], false)], []byte("goroutine ")) {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + uint64(c-'0')
	}
	list, ok := goroutines.Load(n)
	if !ok {
		list = new([]lock)
		goroutines.Store(n, list)
	}
	return list.(*[]lock), n
}

// Take notes that the goroutine takes a lock, or waits for it.
func Take(class Class, rank uint8, key any) {
	list, _ := mine()
	for _, h := range *list {
		if h.key == key || class != Latch && (h.class > class || h.class == class && h.rank >= rank) {
			panic(fmt.Sprintf("order: lock %v (class %d, rank %d) is taken by who holds %v (class %d, rank %d)", key, class, rank, h.key, h.class, h.rank))
		}
	}
	*list = append(*list, lock{class, rank, key})
}

// Give notes that the goroutine gives a lock back.
func Give(key any) {
	list, n := mine()
	i := slices.IndexFunc(*list, func(h lock) bool { return h.key == key })
	if i < 0 {
		panic(fmt.Sprintf("order: lock %v is given back by who does not hold it", key))
	}
	if *list = slices.Delete(*list, i, i+1); len(*list) == 0 {
		goroutines.Delete(n)
	}
}

// suspended has the numbers of goroutines between Suspend and Resume.
var suspended sync.Map

// Suspend takes the goroutine out of all assertions of latches until Resume.
func Suspend() {
	_, n := mine()
	suspended.Store(n, true)
}

// Resume ends Suspend.
func Resume() {
	_, n := mine()
	suspended.Delete(n)
}

// Held gives the locks of a class that the goroutine holds.
func Held(class Class) (keys []any) {
	list, n := mine()
	if _, ok := suspended.Load(n); ok {
		return nil
	}
	for _, h := range *list {
		if h.class == class {
			keys = append(keys, h.key)
		}
	}
	return keys
}

// None asserts that the goroutine holds no latch, as it may come to wait for what others do.
func None() {
	if h := Held(Latch); len(h) > 0 {
		panic(fmt.Sprintf("order: who may wait for others holds latches: %v", h))
	}
}
