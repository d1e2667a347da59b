package catalog

import (
	"bytes"
	"fmt"
	"maps"

	"esent/internal/engine/btree"
	"esent/internal/engine/record"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// Rewrite decodes and encodes each row of the catalog, or of its shadow, and calls f with both forms; fixed columns that
// are NULL hold the fill.
func (c *Catalog) Rewrite(s *version.Session, shadow bool, f func(was, is []byte)) error {
	tree := c.main
	if shadow {
		tree = c.shadow
	}
	rc := c.cursor(tree)
	defer rc.release()
	var b record.Buffer
	b.Reset(c.layout)
	m, err := rc.bt.Seek(s, []byte{0}, nil, btree.GE)
	for ; m != btree.None && err == nil; err = rc.bt.Next(s) {
		r, err := rc.row(s)
		if err != nil {
			return err
		}
		is, err := r.encode(&b)
		if err != nil {
			return err
		}
		f(bytes.Clone(rc.data), is)
	}
	return nil
}

// WithoutTime gives a catalog record in which the time of its tree is taken out.
func WithoutTime(pageSize int, rec []byte) (string, error) {
	s, err := rowSchema(pageSize)
	if err != nil {
		return "", err
	}
	r, err := decodeRow(s, rec)
	if err != nil {
		return "", err
	}
	r.LastSetTime = 0
	var b record.Buffer
	b.Reset(s)
	is, err := r.encode(&b)
	return string(is), err
}

// Trees gives the trees of a database with their children: the catalog's, and those of the tables that the session sees.
func (c *Catalog) Trees(s *version.Session, root *btree.Tree) (map[*btree.Tree][]*btree.Tree, error) {
	children := map[*btree.Tree][]*btree.Tree{root: {c.main, c.shadow}, c.main: {c.names, c.roots}}
	names, err := c.TableNames(s)
	for _, name := range names {
		t, err := c.Table(s, name)
		if err != nil {
			return nil, err
		}
		if t.Tree != c.main && t.Tree != c.shadow {
			children[root] = append(children[root], t.Tree)
			children[t.Tree] = t.trees()
		}
		t.Release()
	}
	return children, err
}

// Rows gives all rows of a table in the catalog, and fails if the shadow differs.
func (c *Catalog) Rows(s *version.Session, id jet.ObjID) ([]*Row, error) {
	var rows []*Row
	k := makeRowKey(id, 0, 0)
	err := c.scan(s, k[:tableKeySize], func(r *Row) error {
		rows = append(rows, r)
		return nil
	})
	return rows, err
}

// Same says how the shadow, the indexes and MSysObjids differ from the catalog, as a session sees them.
func (c *Catalog) Same(s *version.Session) error {
	read := func(t *btree.Tree) (map[string]string, error) {
		rc := c.cursor(t)
		defer rc.release()
		m := map[string]string{}
		for err := rc.bt.First(s); err != jet.ErrNoCurrentRecord; err = rc.bt.Next(s) {
			if err != nil {
				return nil, err
			}
			d, err := rc.bytes(s)
			if err != nil {
				return nil, err
			}
			m[string(rc.bt.Key())] = string(d)
		}
		return m, nil
	}
	var all [4]map[string]string
	objids, err := c.objids()
	if err != nil {
		return err
	}
	for i, t := range []*btree.Tree{c.main, c.shadow, c.names, c.roots} {
		if all[i], err = read(t); err != nil {
			return err
		}
	}
	if len(all[0]) != len(all[1]) {
		return fmt.Errorf("%d rows, the shadow has %d", len(all[0]), len(all[1]))
	}
	names, roots := map[string]string{}, map[string]string{}
	trees := map[string]string{}
	for k, d := range all[0] {
		if all[1][k] != d {
			return fmt.Errorf("row %x is %x, in the shadow %x", k, d, all[1][k])
		}
		r, err := decodeRow(c.layout, []byte(d))
		if err != nil {
			return err
		}
		n, err := appendNameKey(nil, r.ObjidTable, r.Type, r.Name)
		if err != nil {
			return err
		}
		names[string(n)] = k
		if r.Root {
			n, err := appendRootKey(nil, r.Name)
			if err != nil {
				return err
			}
			roots[string(n)] = k
		}
		if r.Type == RowTable || r.Type == RowLongValue || r.Type == RowIndex && jet.ObjID(r.ID) != r.ObjidTable {
			trees[string(objidKey(jet.ObjID(r.ID)))] = ""
		}
	}
	if !maps.Equal(names, all[2]) || !maps.Equal(roots, all[3]) {
		return fmt.Errorf("an index of the catalog differs: %d and %d names, %d and %d tables", len(names), len(all[2]), len(roots), len(all[3]))
	}
	if objids == nil {
		return nil
	}
	have, err := read(objids.Tree)
	if err != nil {
		return err
	}
	for k := range trees {
		if _, ok := have[k]; !ok {
			return fmt.Errorf("MSysObjids lacks %x", k)
		}
	}
	if len(have) != len(trees) {
		return fmt.Errorf("MSysObjids has %d rows for %d trees", len(have), len(trees))
	}
	return nil
}

// Damage replaces a row of the catalog by other bytes.
func (c *Catalog) Damage(s *version.Session, k [rowKeySize]byte, change func(rec []byte) []byte) error {
	rc := c.cursor(c.main)
	defer rc.release()
	return inTrx(s, func() error {
		if found, err := rc.seekRow(s, c.main, k); err != nil || !found {
			return err
		}
		d, err := rc.bytes(s)
		if err != nil {
			return err
		}
		return rc.bt.Replace(s, change(d), 0)
	})
}

// SameAnew says how the table's schema differs from one that is made anew from all that is known of its columns.
func (t *Table) SameAnew() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	want, err := t.compile(&t.m)
	if err != nil {
		return err
	}
	have := t.Schema()
	if len(have.Columns) != len(want.Columns) || len(have.Dropped) != len(want.Dropped) || have.open != want.open || have.Computed != want.Computed {
		return fmt.Errorf("%d columns, %d dropped, %d open; anew %d, %d, %d", len(have.Columns), len(have.Dropped), have.open,
			len(want.Columns), len(want.Dropped), want.open)
	}
	for i, w := range want.Columns {
		h := have.Columns[i]
		if h.origin != w.origin || h.Name != w.Name || h.Died != w.Died || h.dead || !bytes.Equal(h.Default, w.Default) {
			return fmt.Errorf("column %d is %+v, anew %+v", i, h, w)
		}
		if have.Full(w.ID) != h || want.Full(w.ID) != w {
			return fmt.Errorf("column %#x is not found by its id", uint32(w.ID))
		}
		hr, wr := have.Record.Column(w.ID), want.Record.Column(w.ID)
		if hr == nil || wr == nil || hr.Name != wr.Name || hr.Flags != wr.Flags || hr.Offset != wr.Offset {
			return fmt.Errorf("column %#x of the record is %+v, anew %+v", uint32(w.ID), hr, wr)
		}
		if w.Died == nil && t.namesake(&t.m, w.folded) == nil {
			return fmt.Errorf("column %q is not found by its name", w.Name)
		}
	}
	for _, d := range want.Dropped {
		if have.Record.Column(d.ID) != nil {
			return fmt.Errorf("column %#x is still there", uint32(d.ID))
		}
	}
	if !bytes.Equal(have.Record.DefaultRecord, want.Record.DefaultRecord) {
		return fmt.Errorf("default record % x, anew % x", have.Record.DefaultRecord, want.Record.DefaultRecord)
	}
	if h, w := have.Record.CheckRequired(have.Record.DefaultRecord), want.Record.CheckRequired(want.Record.DefaultRecord); h != w {
		return fmt.Errorf("required columns: %v, anew %v", h, w)
	}
	return nil
}
