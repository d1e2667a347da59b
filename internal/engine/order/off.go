//go:build !invariants

package order

// On says that assertions are on.
const On = false

// Take notes that the goroutine takes a lock, or waits for it.
func Take(Class, uint8, any) {}

// Give notes that the goroutine gives a lock back.
func Give(any) {}

// Held gives the locks of a class that the goroutine holds.
func Held(Class) []any { return nil }

// None asserts that the goroutine holds no latch, as it may come to wait for what others do.
func None() {}

// Suspend takes the goroutine out of all assertions of latches until Resume.
func Suspend() {}

// Resume ends Suspend.
func Resume() {}
