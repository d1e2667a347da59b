// Package order asserts, in builds with the tag invariants, that no goroutine takes locks in an order in which two
// could wait for each other for ever. In other builds it does nothing and costs nothing.
//
// The order is that of Class; docs/architecture.md, "Order of locks", says why. Latches of pages among each other are
// the cache's, which asks for those that the goroutine holds.
package order

// Class is a kind of lock. A goroutine that holds one of a class waits for locks of later classes only, and for some
// of the same class by their rank.
type Class uint8

const (
	// Structure is held while a tree of records changes its structure. One at a time.
	Structure Class = iota
	// Space is held during space operations of a tree. By rank: of a tree, then of its parents.
	Space
	// SpaceStructure is Structure of a tree of extents. One at a time.
	SpaceStructure
	// Latch is the latch of a page.
	Latch
)
