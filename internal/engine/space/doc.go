// Package space owns the space of a database: which pages a tree owns and which of them are free, the growth of
// trees out of their parents and of the database out of its file, and the creation and destruction of trees
// (spec chapter 03, 8 to 12).
//
// Space forms a hierarchy: the database root has the file, tables have space of the root, indexes and long-value
// trees space of their table. A small tree keeps a bitmap in its root; others have two space trees, of owned and
// of available extents. The space operations of one tree are serialised by its SpaceLock; an operation that needs
// more of the parent takes the parent's lock while it holds its own, and no page latch.
//
// Space operations are logged and not undone by rollback. Each is ordered so that a crash between two of its
// records leaks pages and never gives one away twice: what is given is taken from where it was first.
//
// The package imports btree and below. The catalog, long values, recovery and the engine call it.
package space
