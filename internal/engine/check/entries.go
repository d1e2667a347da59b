package check

import (
	"bytes"
	"hash/maphash"
	"math/bits"
	"slices"

	"esent/internal/engine/page"
	"esent/internal/jet"
)

// digest is a sum over a set of entries in which each may occur several times: equal sets have equal digests, and
// different ones do not but for a chance of 1 in 2^64. So indexes are compared without keeping their entries; only
// where the digests differ are they gathered and sorted, to tell which ones differ.
type digest struct{ n, low, high uint64 }

var seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

func (d *digest) add(key, bookmark []byte) {
	high, low := bits.Mul64(maphash.Bytes(seeds[0], key), maphash.Bytes(seeds[1], bookmark))
	d.n++
	d.low += low
	d.high += high
}

// entry gives what of an entry is compared.
func (ix *index) entry(key, bookmark []byte) (k, b []byte) {
	if ix.compare == compareBookmarks {
		return nil, bookmark
	}
	return key, bookmark
}

// refuse notes a record whose keys in the index cannot be made.
func (ix *index) refuse(bookmark []byte) {
	if ix.refused == nil {
		ix.refused = map[string]bool{}
	}
	ix.refused[string(bookmark)] = true
}

// checkEntries visits an index and compares its entries with those that the table's records should have.
func (c *checker) checkEntries(tb *table, ix *index) {
	var key []byte
	c.walkTree(ix.tree, func(_ jet.Pgno, n *page.Node) {
		c.report.Entries++
		if ix.compare != compareKeys || ix.refused[string(n.Data)] {
			c.report.Uncompared++
		}
		if c.opt.NoIndexes || ix.refused[string(n.Data)] {
			return
		}
		key = n.AppendKey(key[:0])
		ix.found.add(ix.entry(key, n.Data))
	})
	// Where pages are missing the entries differ, as a matter of course.
	if c.opt.NoIndexes || tb.tree.broken || ix.tree.broken {
		return
	}
	switch ix.compare {
	case compareNothing:
	case compareCounts:
		if ix.found.n < ix.keyed || ix.found.n > ix.made.n {
			c.violate(KindEntryCount, ix.tree.root, ix.tree, "%d entries, should be %d to %d", ix.found.n, ix.keyed, ix.made.n)
		}
	default:
		if ix.found != ix.made {
			c.tellEntries(tb, ix)
		}
	}
}

// entry is an entry of an index.
type entry struct {
	key, bookmark []byte
	pgno          jet.Pgno
}

func compareEntries(a, b entry) int {
	if c := bytes.Compare(a.key, b.key); c != 0 {
		return c
	}
	return bytes.Compare(a.bookmark, b.bookmark)
}

// tellEntries finds out which entries of an index differ from those that the records should have.
func (c *checker) tellEntries(tb *table, ix *index) {
	var want, got []entry
	keep := func(list []entry, pgno jet.Pgno, key, bookmark []byte) []entry {
		key, bookmark = ix.entry(key, bookmark)
		b := append(append(make([]byte, 0, len(key)+len(bookmark)), key...), bookmark...)
		return append(list, entry{b[:len(key):len(key)], b[len(key):], pgno})
	}
	w := &recordWalk{c: c, tb: tb, src: source{c: c, tb: tb, ix: ix}}
	c.rewalk(tb.tree, eachNode(func(pgno jet.Pgno, bookmark []byte, n *page.Node) {
		w.src.rec = n.Data
		if tb.schema.Check(n.Data) != nil || w.src.keys(&w.set, &w.enum) != nil {
			return
		}
		for i := range w.set.Len() {
			want = keep(want, pgno, w.set.At(i), bookmark)
		}
	}))
	c.rewalk(ix.tree, eachNode(func(pgno jet.Pgno, key []byte, n *page.Node) {
		if !ix.refused[string(n.Data)] {
			got = keep(got, pgno, key, n.Data)
		}
	}))
	slices.SortFunc(want, compareEntries)
	slices.SortFunc(got, compareEntries)
	for len(want) > 0 || len(got) > 0 {
		order := 0
		switch {
		case len(want) == 0:
			order = 1
		case len(got) == 0:
			order = -1
		default:
			order = compareEntries(want[0], got[0])
		}
		if order < 0 {
			c.violate(KindEntryMissing, want[0].pgno, ix.tree, "record % x has no entry % x", want[0].bookmark, want[0].key)
		}
		if order > 0 {
			c.violate(KindEntryExtra, got[0].pgno, ix.tree, "the entry % x leads to % x, which has no such key", got[0].key, got[0].bookmark)
		}
		if order <= 0 {
			want = want[1:]
		}
		if order >= 0 {
			got = got[1:]
		}
	}
}

// eachNode makes a visitor of leaves out of one of nodes that are not flag-deleted.
func eachNode(f func(pgno jet.Pgno, key []byte, n *page.Node)) func(jet.Pgno, page.Page) {
	var key []byte
	return func(pgno jet.Pgno, p page.Page) {
		for i := range p.Lines() {
			if n := p.Line(i); n.Flags&page.NodeDeleted == 0 {
				key = n.AppendKey(key[:0])
				f(pgno, key, &n)
			}
		}
	}
}
