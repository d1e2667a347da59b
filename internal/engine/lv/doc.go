// Package lv owns the long-value trees: values of long columns that are kept outside records, cut into chunks,
// counted by the records that refer to them (spec chapter 03, 18).
//
// A value is a root node with its reference count and size, and chunks of the table's chunk size behind it in key
// order, some of them compressed. All changes are versioned, so a session reads the value of its snapshot.
//
// The root is the lock on a value: whoever changes bytes replaces or locks it. The reference count changes by deltas,
// which several transactions may do at once. A value that others refer to, or are about to, is copied to a new one
// before it is changed (Values.Overwrite and its sisters give the number of the value that the record must refer to
// from then on). A value whose count has become 0 for all sessions is removed by Reap, from version clean-up.
//
// Values is what all cursors on a table share; a Cursor belongs to one engine cursor and holds its place and
// scratch space, so that reading and writing chunk by chunk allocates nothing. Errors in the tree are
// JET_errLVCorrupted.
//
// The package imports btree, version and compress. catalog and the engine's cursors call it.
package lv
