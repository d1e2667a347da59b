// Package catalog owns MSysObjects, its shadow and its indexes, and the system tables that go with it: the rows in
// their exact bytes, the schemas that the engine reads from them, and every change to them (spec chapter 03, 13 to
// 17).
//
// # Descriptors
//
// A Table describes one table to everybody who uses it. Its Schema is immutable and replaced as a whole; it is the
// physical superset: what uncommitted transactions created or dropped, or what older snapshots still see, is in it,
// with the transaction that did it (Born, Died). Look-ups by name or id ask what the session sees. A Table is kept
// while it is referenced: by cursors (Release), and by versions of schema changes until no session can see the
// state from before. So a table that is not in memory has one state for all sessions, and is read from the catalog
// as it is committed.
//
// # Changes
//
// All rows of the catalog are ordinary versioned rows, written to the catalog and to its shadow in nested
// transactions of the caller's. What a change means for the descriptor and for pages is done by a version entry's
// Action: Rollback takes it back, Cleanup makes it final when all sessions see it. Trees are freed only then, so
// that nobody meets pages that are not the tree's any more.
//
// The package imports btree, space, version, record, key and lv. The engine's root calls it.
package catalog
