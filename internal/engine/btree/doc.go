// Package btree owns the B+trees of a database: finding a place in a tree and walking it as a transaction sees
// it, changing nodes, splitting and merging pages, and undoing changes (spec chapters 03, 1 to 7 and 05, 14, 18).
//
// # Readers
//
// A reader goes down from the root by optimistic references: having read the child's number it takes the child's
// frame and version, then validates the parent, so that the child was the right one at that moment. It takes no
// latch and writes nothing. A Cursor keeps its place as (frame, version, line) with the bookmark of its node in a
// buffer of its own: as long as the version stands a move is a step in the page, else it searches again. A node
// flagged as versioned is looked up in the version store before the page is validated.
//
// # Writers
//
// A change to one node latches its leaf exclusively, creates the version entry, draws the dbtime, logs the
// record, applies it by package ops and unlatches. Changes of structure (splits, merges) of one tree hold its
// SMO mutex, so that internal pages have one writer. They plan on private copies of the path, get pages from the
// PageSource while holding no latch, then latch what they planned with, top-down and left to right; if a version
// is another by then they plan again. All of one change of structure is logged as a macro.
//
// Lock order: a tree's SMO mutex, the space mutex of the tree and then of its ancestors, SMO mutexes of space
// trees, page latches. Nothing waits for clean-up or for another session while it holds a latch.
//
// The package imports page, ops, logstore, cache and version. space, lv, catalog, recovery and the engine call it.
package btree
