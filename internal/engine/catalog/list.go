package catalog

import (
	"bytes"

	"esent/internal/engine/btree"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// TableInfo is what a list of tables tells of one.
type TableInfo struct {
	Name  string
	ObjID jet.ObjID
	Flags TableFlags
}

// Tables lists the tables that the session sees, system tables among them, by name as the catalog compares it.
func (c *Catalog) Tables(s *version.Session) ([]TableInfo, error) {
	var list []TableInfo
	err := c.eachRoot(s, func(r *Row) error {
		list = append(list, TableInfo{Name: r.Name, ObjID: r.ObjidTable, Flags: TableFlags(r.Flags)})
		return nil
	})
	return list, err
}

// TableNames lists the names of the tables that the session sees.
func (c *Catalog) TableNames(s *version.Session) ([]string, error) {
	var list []string
	err := c.eachRoot(s, func(r *Row) error {
		list = append(list, r.Name)
		return nil
	})
	return list, err
}

// eachRoot calls f with the rows of all tables that the session sees.
func (c *Catalog) eachRoot(s *version.Session, f func(*Row) error) error {
	rc := c.cursor(c.roots)
	defer rc.release()
	prefix, err := appendRootKey(nil, "")
	if err != nil {
		return err
	}
	prefix = prefix[:2]
	m, err := rc.bt.Seek(s, prefix, nil, btree.GE)
	if err != nil || m == btree.None {
		return err
	}
	for bytes.HasPrefix(rc.bt.Key(), prefix) {
		d, err := rc.bytes(s)
		if err == nil && len(d) != rowKeySize {
			err = jet.ErrCatalogCorrupted.Errorf("catalog index entry of %d bytes", len(d))
		}
		switch {
		case err == jet.ErrRecordDeleted:
		case err != nil:
			return err
		default:
			r, err := c.find(s, rowKey(d))
			if err != nil {
				return err
			}
			if r != nil {
				if err := f(r); err != nil {
					return err
				}
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
