// Package check judges a database file: whether everything holds that must hold of one that is not in use
// (spec chapters 02, 03 and 04).
//
// It is an independent judge. It reads pages itself and walks trees with a walker of its own, not through the
// cache, the B+trees or the catalog of the running engine; what it shares with them is the layout of pages,
// records and keys. It writes nothing. Damaged files give violations in the report, never a panic.
//
// # What it looks at
//
// The header; every page of every tree: checksum, structure, object id, flags, links, depth, order, separators,
// prefixes, dbtime; the space of every tree: extents within the parent's and apart from each other, and each owned
// page used for exactly one thing; the catalog, its shadow, MSysObjids and MSysLocales; every record; every long
// value with its references; every index entry, by making all keys anew.
//
// Nodes that are flag-deleted keep their place in the order of a tree and are otherwise left out. Pages that nothing
// uses (leaks) are legal, crashes leave them; they are counted.
//
// Run wants a file at rest. On one that was not closed cleanly it reports that first, and most of what follows then
// is for recovery to put right; only Options.PagesOnly is of use there.
//
// The package is for tests, backup verification and esentutl.
package check
