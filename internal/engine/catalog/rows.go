package catalog

import (
	"bytes"

	"esent/internal/engine/btree"
	"esent/internal/engine/record"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// rowCursor is a cursor on one of the catalog's trees with scratch space.
type rowCursor struct {
	c    *Catalog
	bt   btree.Cursor
	buf  record.Buffer
	data []byte
	key  []byte
}

func (c *Catalog) cursor(t *btree.Tree) *rowCursor {
	rc := c.cursors.Get().(*rowCursor)
	rc.bt.Init(t)
	return rc
}

func (rc *rowCursor) release() {
	rc.bt.Reset()
	rc.c.cursors.Put(rc)
}

// bytes copies the data of the node that the cursor is on; valid until the next call.
func (rc *rowCursor) bytes(s *version.Session) ([]byte, error) {
	for {
		d, err := rc.bt.Data(s)
		if err != nil {
			return nil, err
		}
		rc.data = append(rc.data[:0], d...)
		if rc.bt.Valid() {
			return rc.data, nil
		}
	}
}

// row decodes the catalog row that the cursor is on.
func (rc *rowCursor) row(s *version.Session) (*Row, error) {
	d, err := rc.bytes(s)
	if err != nil {
		return nil, err
	}
	r, err := decodeRow(rc.c.layout, d)
	if err != nil {
		return nil, err
	}
	if k := r.Key(); !bytes.Equal(rc.bt.Key(), k[:]) {
		return nil, jet.ErrCatalogCorrupted.Errorf("catalog row under the key % x", rc.bt.Key())
	}
	return r, nil
}

// scan calls f with each row of the catalog whose key begins with prefix, as the session sees them, until f fails.
func (c *Catalog) scan(s *version.Session, prefix []byte, f func(*Row) error) error {
	rc := c.cursor(c.main)
	defer rc.release()
	m, err := rc.bt.Seek(s, prefix, nil, btree.GE)
	if err != nil || m == btree.None {
		return err
	}
	for bytes.HasPrefix(rc.bt.Key(), prefix) {
		r, err := rc.row(s)
		switch {
		case err == jet.ErrRecordDeleted: // since the cursor came here
		case err != nil:
			return err
		default:
			if err := f(r); err != nil {
				return err
			}
		}
		if err := rc.bt.Next(s); err != nil {
			if err == jet.ErrNoCurrentRecord {
				return nil
			}
			return err
		}
	}
	return nil
}

// find reads one row; nil when the session sees none with the key.
func (c *Catalog) find(s *version.Session, k rowKey) (*Row, error) {
	rc := c.cursor(c.main)
	defer rc.release()
	m, err := rc.bt.Seek(s, k[:], nil, btree.EQ)
	if err != nil || m != btree.Equal {
		return nil, err
	}
	r, err := rc.row(s)
	if err == jet.ErrRecordDeleted {
		return nil, nil
	}
	return r, err
}

// lookUp finds a key of an index and gives the clustered key that it leads to.
func (c *Catalog) lookUp(s *version.Session, t *btree.Tree, key []byte) (k rowKey, found bool, err error) {
	rc := c.cursor(t)
	defer rc.release()
	m, err := rc.bt.Seek(s, key, nil, btree.EQ)
	if err != nil || m != btree.Equal {
		return k, false, err
	}
	d, err := rc.bytes(s)
	if err == jet.ErrRecordDeleted {
		return k, false, nil
	}
	if err != nil {
		return k, false, err
	}
	if len(d) != rowKeySize {
		return k, false, jet.ErrCatalogCorrupted.Errorf("catalog index entry of %d bytes", len(d))
	}
	copy(k[:], d)
	return k, true, nil
}

// nested runs f in a transaction level of its own, which an error takes back. The session is in a transaction.
func nested(s *version.Session, f func() error) error {
	if s.Level() == 0 {
		return jet.ErrNotInTransaction
	}
	if err := s.BeginInner(); err != nil {
		return err
	}
	if err := f(); err != nil {
		if e := s.Rollback(); e != nil {
			return e
		}
		return err
	}
	_, err := s.Commit()
	return err
}

// takenName turns the error of a duplicate index entry into what it means for a new row.
func takenName(err error, t RowType) error {
	if jet.CodeOf(err) != jet.ErrKeyDuplicate {
		return err
	}
	switch t {
	case RowColumn:
		return jet.ErrColumnDuplicate
	case RowIndex:
		return jet.ErrIndexDuplicate
	}
	return jet.ErrTableDuplicate
}

// insertRow adds a row to both catalogs, and to the indexes of the first.
func (c *Catalog) insertRow(s *version.Session, r *Row) error {
	rc := c.cursor(c.main)
	defer rc.release()
	k := r.Key()
	err := nested(s, func() error {
		rec, err := r.encode(&rc.buf)
		if err != nil {
			return err
		}
		if err := rc.bt.Insert(s, k[:], rec, 0); err != nil {
			return err
		}
		if r.Root {
			if rc.key, err = appendRootKey(rc.key[:0], r.Name); err != nil {
				return err
			}
			if err := rc.insertEntry(s, c.roots, k); err != nil {
				return takenName(err, r.Type)
			}
		}
		if rc.key, err = appendNameKey(rc.key[:0], r.ObjidTable, r.Type, r.Name); err != nil {
			return err
		}
		return takenName(rc.insertEntry(s, c.names, k), r.Type)
	})
	if err != nil || c.opt.ShadowOff {
		return err
	}
	return nested(s, func() error {
		rc.bt.Init(c.shadow)
		return rc.bt.Insert(s, k[:], rc.buf.Bytes(), 0)
	})
}

// insertEntry adds an entry under rc.key to an index.
func (rc *rowCursor) insertEntry(s *version.Session, t *btree.Tree, k rowKey) error {
	rc.bt.Init(t)
	return rc.bt.Insert(s, rc.key, k[:], 0)
}

// deleteEntry removes the entry under rc.key from an index.
func (rc *rowCursor) deleteEntry(s *version.Session, t *btree.Tree) error {
	rc.bt.Init(t)
	m, err := rc.bt.Seek(s, rc.key, nil, btree.EQ)
	if err != nil {
		return err
	}
	if m != btree.Equal {
		return jet.ErrCatalogCorrupted.Errorf("catalog index lacks an entry")
	}
	return rc.bt.FlagDelete(s, 0)
}

// seekRow goes to a row in a catalog; found is false when the session sees none.
func (rc *rowCursor) seekRow(s *version.Session, t *btree.Tree, k rowKey) (found bool, err error) {
	rc.bt.Init(t)
	m, err := rc.bt.Seek(s, k[:], nil, btree.EQ)
	return m == btree.Equal, err
}

// replaceRow changes a row in the catalog and, if shadow is set, in its shadow. change is given the row as the
// session sees it. ErrKeyDuplicate says that its new name is taken.
func (c *Catalog) replaceRow(s *version.Session, k rowKey, shadow bool, change func(r *Row)) error {
	rc := c.cursor(c.main)
	defer rc.release()
	err := nested(s, func() error {
		if found, err := rc.seekRow(s, c.main, k); err != nil || !found {
			if err == nil {
				err = jet.ErrCatalogCorrupted.Errorf("catalog lacks the row % x", k)
			}
			return err
		}
		r, err := rc.row(s)
		if err != nil {
			return err
		}
		before := r.Name
		change(r)
		rec, err := r.encode(&rc.buf)
		if err != nil {
			return err
		}
		if err := rc.bt.Replace(s, rec, 0); err != nil {
			return err
		}
		if before == r.Name {
			return nil
		}
		return rc.rename(s, r, before, k)
	})
	if err != nil || c.opt.ShadowOff || !shadow {
		return err
	}
	return nested(s, func() error {
		found, err := rc.seekRow(s, c.shadow, k)
		if err != nil || !found {
			return err
		}
		return rc.bt.Replace(s, rc.buf.Bytes(), 0)
	})
}

// rename moves a row's index entries from the name before to its present one.
func (rc *rowCursor) rename(s *version.Session, r *Row, before string, k rowKey) (err error) {
	move := func(t *btree.Tree, key func(dst []byte, name string) ([]byte, error)) error {
		if rc.key, err = key(rc.key[:0], before); err != nil {
			return err
		}
		if err := rc.deleteEntry(s, t); err != nil {
			return err
		}
		if rc.key, err = key(rc.key[:0], r.Name); err != nil {
			return err
		}
		return rc.insertEntry(s, t, k)
	}
	if r.Root {
		if err := move(rc.c.roots, appendRootKey); err != nil {
			return err
		}
	}
	return move(rc.c.names, func(dst []byte, name string) ([]byte, error) {
		return appendNameKey(dst, r.ObjidTable, r.Type, name)
	})
}

// deleteRow removes a row from both catalogs and the indexes.
func (c *Catalog) deleteRow(s *version.Session, r *Row) error {
	rc := c.cursor(c.main)
	defer rc.release()
	k := r.Key()
	err := nested(s, func() (err error) {
		found, err := rc.seekRow(s, c.main, k)
		if err != nil {
			return err
		}
		if !found {
			return jet.ErrCatalogCorrupted.Errorf("catalog lacks the row % x", k)
		}
		if err := rc.bt.FlagDelete(s, 0); err != nil {
			return err
		}
		if r.Root {
			if rc.key, err = appendRootKey(rc.key[:0], r.Name); err != nil {
				return err
			}
			if err := rc.deleteEntry(s, c.roots); err != nil {
				return err
			}
		}
		if rc.key, err = appendNameKey(rc.key[:0], r.ObjidTable, r.Type, r.Name); err != nil {
			return err
		}
		return rc.deleteEntry(s, c.names)
	})
	if err != nil || c.opt.ShadowOff {
		return err
	}
	return nested(s, func() error {
		found, err := rc.seekRow(s, c.shadow, k)
		if err != nil || !found {
			return err
		}
		return rc.bt.FlagDelete(s, 0)
	})
}
