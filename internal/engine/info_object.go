package engine

import (
	"strings"

	"esent/internal/engine/catalog"
	"esent/internal/jet"
)

// ObjectInfo is what the info calls tell of a table (JET_OBJECTINFO).
type ObjectInfo struct {
	Grbit jet.Grbit // JET_bitTableInfo…
	Flags uint32    // JET_bitObject…
	// Records and Pages are from the last JetComputeStats, 0 without.
	Records, Pages uint32
}

// ObjectList is a temporary table of tables (JET_OBJECTLIST): its cursor, on the first row, the number of rows, and the
// ids of its columns.
type ObjectList struct {
	Cursor  *Cursor
	Records uint32

	ContainerName, ObjectName, Type, Created, Updated, Grbit, Flags, RecordCount, PageCount jet.ColumnID
}

// container is the only kind of objects there is.
const container = "Tables"

const objectTypeTable = 1 // JET_objtypTable

// checkContainer judges the container's name in a question about objects.
func checkContainer(name string) error {
	if name == "" {
		return nil
	}
	name, err := objectName(name)
	if err == nil && !strings.EqualFold(name, container) {
		err = jet.ErrObjectNotFound
	}
	return err
}

// ObjectInfo tells of a table (JetGetObjectInfo on the levels JET_ObjInfo and, without statistics, JET_ObjInfoNoStats;
// spec chapter 01, 13.3). ErrObjectNotFound, ErrInvalidName.
func (s *Session) ObjectInfo(t Thread, db uint32, containerName, name string, stats bool) (info ObjectInfo, err error) {
	if err := s.enterOwned(t); err != nil {
		return info, err
	}
	defer s.leave()
	d, err := s.database(db)
	if err != nil {
		return info, err
	}
	if err := checkContainer(containerName); err != nil {
		return info, err
	}
	if name == "" {
		return info, jet.ErrObjectNotFound
	}
	if name, err = objectName(name); err != nil {
		return info, err
	}
	err = s.reading(func() error {
		list, err := d.cat.Tables(s.trx)
		if err != nil {
			return err
		}
		for _, o := range list {
			if sameName(o.Name, name) {
				info, err = s.objectInfo(d, o, stats)
				return err
			}
		}
		return jet.ErrObjectNotFound
	})
	return info, err
}

func (s *Session) objectInfo(d *Database, o catalog.TableInfo, stats bool) (ObjectInfo, error) {
	info := ObjectInfo{Grbit: d.objectGrbit(), Flags: uint32(o.Flags)}
	if !stats {
		return info, nil
	}
	b, err := d.cat.Stats(s.trx, &catalog.Table{ObjID: o.ObjID}, 0)
	st := parseStats(b)
	info.Records, info.Pages = st.Entries, st.Pages
	return info, err
}

// objectGrbit says what tables of the database are good for.
func (d *Database) objectGrbit() jet.Grbit {
	g := jet.Grbit(jet.BitTableInfoBookmark | jet.BitTableInfoRollback)
	if !d.readOnly {
		g |= jet.BitTableInfoUpdatable
	}
	return g
}

// ObjectList lists the tables of a database by name, system tables among them (JetGetObjectInfo on the levels
// JET_ObjInfoList and, without statistics, JET_ObjInfoListNoStats). Of another type of objects than tables (1) and all
// (0) there are none. wide asks for names in UTF-16.
func (s *Session) ObjectList(t Thread, db, objectType uint32, containerName, name string, stats, wide bool) (*ObjectList, error) {
	if err := s.enterOwned(t); err != nil {
		return nil, err
	}
	defer s.leave()
	d, err := s.database(db)
	if err != nil {
		return nil, err
	}
	if err := checkContainer(containerName); err != nil {
		return nil, err
	}
	if name != "" {
		if _, err := objectName(name); err != nil {
			return nil, err
		}
	}
	var tables []catalog.TableInfo
	if objectType == 0 || objectType == objectTypeTable {
		if tables, err = d.cat.Tables(s.trx); err != nil {
			return nil, err
		}
	}
	l := s.newList([]ColumnDef{
		listText(wide, jet.BitColumnTTKey), listText(wide, jet.BitColumnTTKey), listLong, listDate, listDate, listLong, listLong,
		listLong, listLong,
	})
	for _, o := range tables {
		info, err := s.objectInfo(d, o, stats)
		if err != nil {
			return nil, err
		}
		l.add([][]byte{
			l.text(container), l.text(o.Name), long(objectTypeTable), nil, nil, long(info.Records), long(info.Pages),
			long(uint32(info.Grbit)), long(info.Flags),
		})
	}
	cur, ids, err := l.finish()
	if err != nil {
		return nil, err
	}
	return &ObjectList{Cursor: cur, Records: uint32(len(l.rows)), ContainerName: ids[0], ObjectName: ids[1], Type: ids[2], Created: ids[3],
		Updated: ids[4], RecordCount: ids[5], PageCount: ids[6], Grbit: ids[7], Flags: ids[8]}, nil
}
