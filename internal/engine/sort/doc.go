// Package sort orders entries of key and data: the rows of temporary tables that are sorted before they are read
// (spec chapter 01, 12), and the entries of an index that is built over a filled table.
//
// It owns their memory and, when they are more than it may hold, the runs in a file of its own. Entries are ordered
// as bytes, by key and then by data; a shorter one comes before those that it begins.
//
// A Sorter takes entries, then orders them, then is read in order by a Scan, any number of times. It is not safe for
// concurrent use, but several Scans may go on at once.
//
// The package imports vfs alone. The engine's root calls it.
package sort
