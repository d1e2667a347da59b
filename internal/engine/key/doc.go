// Package key makes the keys of B+trees from column values: normalised segments compared as unsigned bytes
// (spec chapter 04, 7), the entries that a record has in an index (8), search keys and the way back from key
// bytes to a value (9), and Unicode sort keys (10).
//
// It owns the byte form of keys and nothing else: it does not know records, pages or cursors. Callers describe
// an index once (Index), hand in column values (Value), and get bytes.
//
//   - Builder makes one key; Enumerator makes all keys of a record in one index; Set removes doubles and
//     compares the keys before and after a replace.
//   - SearchKey is what JetMakeKey fills.
//   - Index.Column reads a value out of a key.
//   - Collation is the locale, flags and sort version of an index over Unicode text.
//
// Builder, Enumerator and SearchKey are reused and allocate nothing; none of them is safe for concurrent use. Index
// and Collation are immutable once made and may be shared.
//
// The package may be called by every layer of the engine above it; it imports jet only.
//
//go:generate go run ./gen -in ../../../../shared/spec/api/sortweights.tsv -out weights.bin
package key
