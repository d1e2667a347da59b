package check

import (
	"bytes"
	"encoding/binary"

	"esent/internal/engine/key"
	"esent/internal/engine/page"
	"esent/internal/engine/record"
	"esent/internal/jet"
)

// walkTree visits a tree and gives its nodes that are not flag-deleted, in order. The node is valid during the call.
func (c *checker) walkTree(t *tree, f func(pgno jet.Pgno, n *page.Node)) {
	c.walk(t, t.root, useTree, func(pgno jet.Pgno, p page.Page) {
		for i := range p.Lines() {
			n := p.Line(i)
			if n.Flags&page.NodeDeleted != 0 {
				t.report.Deleted++
				continue
			}
			t.report.Nodes++
			c.report.Nodes++
			f(pgno, &n)
		}
	})
}

// recordWalk is the state of a walk over a table's records.
type recordWalk struct {
	c     *checker
	tb    *table
	src   source
	set   key.Set
	enum  key.Enumerator
	plain []byte
	most  uint64 // the highest auto-increment number
}

// checkRecords visits the records of a table and notes what index entries they should have. each is given every sound
// record; nil for nobody.
func (c *checker) checkRecords(tb *table, each func(pgno jet.Pgno, rec []byte)) {
	w := &recordWalk{c: c, tb: tb, src: source{c: c, tb: tb}}
	var bookmark []byte
	c.walkTree(tb.tree, func(pgno jet.Pgno, n *page.Node) {
		c.report.Records++
		bookmark = n.AppendKey(bookmark[:0])
		if err := tb.schema.Check(n.Data); err != nil {
			c.violate(KindRecord, pgno, tb.tree, "record % x: %v", bookmark, err)
			return
		}
		w.long(pgno, bookmark, n.Data)
		w.primary(pgno, bookmark, n.Data)
		w.autoInc(n.Data)
		if !c.opt.NoIndexes {
			w.entries(pgno, bookmark, n.Data)
		}
		if each != nil {
			each(pgno, n.Data)
		}
	})
	if h := &tb.tree.head; h.HasAutoInc && w.most > h.AutoInc {
		c.violate(KindAutoInc, tb.tree.root, tb.tree, "the root says %d, a record has %d", h.AutoInc, w.most)
	}
}

// long looks at the long values that a record has in itself, and counts those that it refers to.
func (w *recordWalk) long(pgno jet.Pgno, bookmark, rec []byte) {
	c, tb := w.c, w.tb
	it := tb.schema.TaggedValues(rec)
	for it.Next() {
		for itag := 1; itag <= it.Count(); itag++ {
			v, err := it.Value(itag)
			switch {
			case err != nil || !v.Long || v.Encrypted && !v.Separated:
			case v.Separated:
				lid, err := record.LID(v.Data)
				if err != nil {
					continue // Schema.Check has said so
				}
				if long := tb.long.find(lid); long != nil {
					long.met++
				} else if tb.long == nil || !tb.long.tree.broken {
					c.violate(KindLVMissing, pgno, tb.tree, "record % x: column %d refers to value %#x", bookmark, it.FID(), lid)
				}
			case v.Compressed:
				var what string
				if w.plain, what = unpack(w.plain, v.Data, -1); what != "" {
					c.violate(KindRecord, pgno, tb.tree, "record % x: column %d %s", bookmark, it.FID(), what)
				}
			}
		}
	}
}

// primary compares the record's key with the one that its columns give.
func (w *recordWalk) primary(pgno jet.Pgno, bookmark, rec []byte) {
	c, tb := w.c, w.tb
	if tb.primary == nil {
		if len(bookmark) != 4 && len(bookmark) != 8 {
			c.violate(KindKey, pgno, tb.tree, "the key % x in a table without primary index", bookmark)
		}
		return
	}
	if tb.primary.compare != compareKeys {
		return
	}
	w.src.ix, w.src.rec = tb.primary, rec
	switch err := w.src.keys(&w.set, &w.enum); {
	case err != nil && cannot(err):
	case err != nil:
		c.violate(KindKey, pgno, tb.tree, "record % x: %v", bookmark, err)
	case w.set.Len() != 1:
		c.violate(KindKey, pgno, tb.tree, "record % x has %d keys", bookmark, w.set.Len())
	case !bytes.Equal(w.set.At(0), bookmark):
		c.violate(KindKey, pgno, tb.tree, "record % x should have the key % x", bookmark, w.set.At(0))
	}
}

func (w *recordWalk) autoInc(rec []byte) {
	col := w.tb.autoInc
	if col == nil {
		return
	}
	if v, err := w.tb.schema.Get(rec, col, 1); err == nil && !v.Null && len(v.Data) <= 8 {
		var b [8]byte
		copy(b[:], v.Data)
		w.most = max(w.most, binary.LittleEndian.Uint64(b[:]))
	}
}

// entries notes the entries that a record should have in the secondary indexes.
func (w *recordWalk) entries(pgno jet.Pgno, bookmark, rec []byte) {
	w.src.rec = rec
	for _, ix := range w.tb.indexes {
		if ix.compare == compareNothing {
			continue
		}
		w.src.ix = ix
		if err := w.src.keys(&w.set, &w.enum); err != nil {
			if !cannot(err) {
				w.c.violate(KindKey, pgno, w.tb.tree, "record % x has no key in index %q: %v", bookmark, ix.row.name, err)
			}
			ix.refuse(bookmark)
			continue
		}
		if w.set.Len() > 0 {
			ix.keyed++
		}
		for i := range w.set.Len() {
			ix.made.add(ix.entry(w.set.At(i), bookmark))
		}
	}
}
