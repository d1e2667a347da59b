package catalog

import (
	"encoding/binary"
	"slices"
	"sync/atomic"
	"unicode/utf16"

	"esent/internal/engine/btree"
	"esent/internal/engine/key"
	"esent/internal/engine/page"
	"esent/internal/engine/record"
	"esent/internal/engine/space"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// KeyColumn is a column of an index to be created, by its name.
type KeyColumn struct {
	Name       string
	Descending bool
}

// Condition is a column of a conditional index to be created, by its name.
type Condition struct {
	Name       string
	MustBeNull bool
}

// IndexDef describes an index to be created. What does not depend on the table was checked by the caller (spec
// chapter 01, 7.5).
type IndexDef struct {
	Name string
	// Flags are those of key.FlagsFromGrbit and LocaleSet; what depends on the columns is added here.
	Flags      key.Flags
	Columns    []KeyColumn
	Conditions []Condition
	// KeyMost and VarSegMac are limits in bytes; 0 for the default, and for no limit.
	KeyMost, VarSegMac int
	Tuple              *key.TupleLimits
	Locale             string
	MapFlags           uint32
	// Density is 0 for the default.
	Density int
	Hints   SpaceHints
	// Sort is the order of Unicode text whose entries are taken over from another database; nil for that of new keys.
	Sort *Sort
}

// Sort is a sort version and its table.
type Sort struct {
	Version uint64
	ID      key.SortID
}

// CreateIndex adds an index with its empty tree, for a session in a transaction: from now on all updates maintain it,
// and the caller fills it. A primary index needs an empty table, whose tree becomes the index. Errors:
// ErrIndexDuplicate, ErrIndexHasPrimary, ErrTableNotEmpty, ErrColumnNotFound, ErrCannotIndex, ErrIndexInvalidDef,
// ErrIndexTuplesTextBinaryColumnsOnly, those of the collation, and ErrWriteConflict when another session changes a
// column of it.
func (t *Table) CreateIndex(s *version.Session, def *IndexDef) (*Index, error) {
	d, err := t.resolveIndex(s, def)
	if err != nil {
		return nil, err
	}
	return t.addIndex(s, d, false)
}

// resolveIndex finds the columns of an index and checks what depends on them.
func (t *Table) resolveIndex(s *version.Session, def *IndexDef) (*indexDef, error) {
	d := &indexDef{name: def.Name, flags: def.Flags | key.FlagExtendedColumns, keyMost: def.KeyMost, varSegMac: def.VarSegMac,
		tuple: def.Tuple, density: def.Density, hints: def.Hints, locale: def.Locale, mapFlags: def.MapFlags,
		uses: new(atomic.Int32)}
	if d.keyMost == 0 {
		d.keyMost = key.KeyMostDefault
	}
	if d.varSegMac == d.keyMost {
		d.varSegMac = 0
	}
	if d.density == 0 {
		d.density = btree.DefaultDensity
	}
	var err error
	if d.folded, err = fold(d.name); err != nil {
		return nil, err
	}
	sc := t.Schema()
	text := false
	for i, k := range def.Columns {
		c := sc.ColumnByName(s, k.Name)
		switch {
		case c == nil:
			return nil, jet.ErrColumnNotFound
		case c.Flags&record.FlagEscrowUpdate != 0:
			return nil, jet.ErrCannotIndex
		case c.Flags&record.FlagEncrypted != 0:
			return nil, jet.ErrCannotIndexOnEncryptedColumn
		case c.Flags&record.FlagMultivalued != 0 && d.primary():
			return nil, jet.ErrIndexInvalidDef
		case i == 0 && d.tuple != nil && record.TypeSize(c.Type) != 0:
			return nil, jet.ErrIndexTuplesTextBinaryColumnsOnly
		}
		seg := segmentID{id: c.ID}
		if k.Descending {
			seg.flags = segDescending
		}
		d.columns = append(d.columns, seg)
		if c.Flags&record.FlagMultivalued != 0 {
			d.flags |= key.FlagMultivalued
		}
		text = text || c.CodePage == codePageUnicode
	}
	for _, k := range def.Conditions {
		c := sc.ColumnByName(s, k.Name)
		if c == nil {
			return nil, jet.ErrColumnNotFound
		}
		seg := segmentID{id: c.ID}
		if k.MustBeNull {
			seg.flags = segMustBeNull
		}
		d.conditions = append(d.conditions, seg)
	}
	if t.Flags.Has(TableTemplate) {
		d.flags |= key.FlagTemplate
	}
	if text && def.Sort != nil {
		d.flags |= key.FlagLocalizedText
		d.version, d.sortID = def.Sort.Version, def.Sort.ID
	} else if text {
		err = d.collate()
	}
	return d, err
}

// collate gives an index over Unicode text the sort version of new keys. Indexes whose keys are not made exactly are
// not created (spec chapter 04, 10.5).
func (d *indexDef) collate() error {
	d.flags |= key.FlagLocalizedText
	id, err := key.SortIDOf(d.locale)
	if err != nil {
		return err
	}
	d.version, d.sortID = key.SortVersion, id
	collation, err := key.NewCollation(d.locale, d.mapFlags, d.version, d.sortID)
	if err != nil {
		return err
	}
	return collation.Exact()
}

// addIndex makes an index known, with its tree and its rows. withTable says that it is created together with its table:
// the index is there for all who see the table, and goes with it.
func (t *Table) addIndex(s *version.Session, d *indexDef, withTable bool) (ix *Index, err error) {
	err = nested(s, func() error {
		if err := t.admitIndex(d); err != nil {
			return err
		}
		if !withTable {
			d.born = s.Trx()
			if err := t.lockColumns(s, d); err != nil {
				return err
			}
			if err := t.cat.versioned(s, t, t.undoIndex(d), t.onIndex(d, func(d *indexDef) { d.born = nil })); err != nil {
				return err
			}
		}
		if err := t.plantIndex(s, d); err != nil {
			return err
		}
		err := t.change(func(m *model) error {
			for _, o := range m.indexes {
				if o.primary() && d.primary() {
					return jet.ErrIndexHasPrimary
				}
			}
			m.indexes = append(m.indexes, d)
			return nil
		})
		if err != nil {
			return err
		}
		if d.primary() && !t.fixedFit() {
			return jet.ErrRecordTooBig
		}
		ix = t.Schema().Index(d.objid)
		if err := t.cat.insertRow(s, t.indexRow(d, withTable)); err != nil || d.primary() {
			return err
		}
		return t.cat.insertObjid(s, d.objid, t.ObjID, RowIndex)
	})
	if err == nil && d.flags.Has(key.FlagLocalizedText) {
		err = t.cat.countLocale(d)
	}
	if err != nil {
		return nil, err
	}
	return ix, nil
}

// fixedFit says that a record has room for all fixed columns.
func (t *Table) fixedFit() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.m.fixedEnd <= t.Schema().Record.RecordMost
}

// admitIndex says whether an index can be had beside those that are there.
func (t *Table) admitIndex(d *indexDef) error {
	for _, o := range t.indexes() {
		if o.folded == d.folded && o.died == nil {
			return jet.ErrIndexDuplicate
		}
		if o.primary() && d.primary() {
			return jet.ErrIndexHasPrimary
		}
	}
	if !d.primary() {
		return nil
	}
	flags, lines, _, err := t.Tree.RootState()
	if err == nil && (lines > 0 || flags&page.FlagLeaf == 0) {
		err = jet.ErrTableNotEmpty
	}
	return err
}

// lockColumns keeps other sessions from dropping or changing the table's own columns of an index.
func (t *Table) lockColumns(s *version.Session, d *indexDef) error {
	rc := t.cat.cursor(t.cat.main)
	defer rc.release()
	sc := t.Schema()
	for _, seg := range slices.Concat(d.columns, d.conditions) {
		if full := sc.Full(seg.id); full == nil || full.Inherited {
			continue
		}
		found, err := rc.seekRow(s, t.cat.main, makeRowKey(t.ObjID, RowColumn, uint32(uint16(seg.id))))
		if err != nil {
			return err
		}
		if found {
			if err := rc.bt.Lock(s, version.OperReadLock); err != nil {
				return err
			}
		}
	}
	return nil
}

// plantIndex gives an index its tree.
func (t *Table) plantIndex(s *version.Session, d *indexDef) (err error) {
	if d.primary() {
		d.objid, d.tree = t.ObjID, t.Tree
		t.Tree.SetDensity(d.density)
		return nil
	}
	flags := page.FlagIndex
	if !d.flags.Has(key.FlagUnique) {
		flags |= page.FlagNonUnique
	}
	o := space.TreeOptions{Pages: d.hints.initialPages(t.cat.db.PageSize), Flags: flags}
	if d.tree, err = t.cat.newTree(s, t.Tree, o, d.density, &d.hints); err != nil {
		return err
	}
	d.objid = d.tree.ObjID
	return nil
}

func (t *Table) indexes() []*indexDef {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.m.indexes)
}

// undoIndex takes an index out again. Others may be changing its tree, which is freed when they are done.
func (t *Table) undoIndex(d *indexDef) func(*version.Session) error {
	return func(*version.Session) error {
		err := t.change(func(m *model) error {
			m.indexes = slices.DeleteFunc(m.indexes, func(o *indexDef) bool { return o.objid == d.objid })
			return nil
		})
		if err != nil || d.primary() || d.tree == nil {
			return err
		}
		return t.cat.destroyLater(t, d.tree)
	}
}

// onIndex is what the end of a change to an index does: f changes what has become of it in the model.
func (t *Table) onIndex(d *indexDef, f func(d *indexDef)) func(*version.Session) error {
	return func(*version.Session) error {
		return t.change(func(m *model) error {
			if i := slices.IndexFunc(m.indexes, func(o *indexDef) bool { return o.objid == d.objid }); i >= 0 {
				m.indexes[i] = m.indexes[i].clone()
				f(m.indexes[i])
			}
			return nil
		})
	}
}

// indexRow is the catalog's row of an index. Limits are stored as they were given, or minimised where the index comes
// to an existing table or from a template (spec chapter 03, 13.5).
func (t *Table) indexRow(d *indexDef, withTable bool) *Row {
	r := &Row{ObjidTable: t.ObjID, Type: RowIndex, ID: uint32(d.objid), ColtypOrPgno: uint32(d.tree.Root),
		SpaceUsage: uint32(d.density), Flags: uint32(d.flags), LCMapFlags: d.mapFlags, HasLCMap: true, Name: d.name,
		KeyFldIDs: appendSegments(nil, d.columns), Conditional: appendSegments(nil, d.conditions),
		SpaceHints: d.hints.encode(hintsFromInitial), LocaleName: utf16le(d.locale), LastSetTime: t.cat.fileTime()}
	keyMost, varSegMac := d.keyMost, d.varSegMac
	if d.primary() && (!withTable || d.flags.Has(key.FlagDerived)) {
		ix := t.Schema().Primary
		keyMost, varSegMac = ix.Def.KeyMost, ix.Def.VarSegMac
		if varSegMac == keyMost {
			varSegMac = 0
		}
	}
	if keyMost != key.KeyMostDefault {
		r.KeyMost = uint16(keyMost)
	}
	if varSegMac != 0 {
		r.VarSegMac = binary.LittleEndian.AppendUint16(nil, uint16(varSegMac))
	}
	if d.tuple != nil {
		r.TupleLimits = d.tuple.Append(nil)
	}
	if d.flags.Has(key.FlagLocalizedText) {
		r.Version = binary.LittleEndian.AppendUint64(nil, d.version)
		r.SortID = d.sortID[:]
	}
	return r
}

// utf16le is a string as LocaleName has it.
func utf16le(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// DropIndex drops a secondary index: nobody can use it any more, at once, and its tree is freed when no session can
// see the state from before. Errors: ErrIndexNotFound, ErrIndexMustStay for the primary index, ErrFixedInheritedDDL
// for one of the template, ErrIndexInUse when a cursor has it as current, ErrWriteConflict.
func (t *Table) DropIndex(s *version.Session, name string) error {
	ix := t.Schema().IndexByName(s, name)
	switch {
	case ix == nil:
		return jet.ErrIndexNotFound
	case ix.Primary():
		return jet.ErrIndexMustStay
	case ix.Inherited:
		return jet.ErrFixedInheritedDDL
	case ix.uses.Load() > 0:
		return jet.ErrIndexInUse
	}
	k := makeRowKey(t.ObjID, RowIndex, uint32(ix.ObjID))
	d := &indexDef{objid: ix.ObjID}
	return nested(s, func() error {
		r, err := t.cat.find(s, k)
		if err == nil && r == nil {
			err = jet.ErrIndexNotFound
		}
		if err != nil {
			return err
		}
		if err := t.cat.deleteRow(s, r); err != nil {
			return err
		}
		if err := t.cat.deleteObjid(s, ix.ObjID); err != nil {
			return err
		}
		err = t.cat.versioned(s, t, t.onIndex(d, func(d *indexDef) { d.died = nil }), t.freeIndex(ix))
		if err != nil {
			return err
		}
		if err := t.onIndex(d, func(d *indexDef) { d.died = s.Trx() })(s); err != nil {
			return err
		}
		// A cursor that took the index before it saw this is counted by now.
		if ix.uses.Load() > 0 {
			return jet.ErrIndexInUse
		}
		return nil
	})
}

// freeIndex takes a dropped index out of the schema and frees its tree.
func (t *Table) freeIndex(ix *Index) func(*version.Session) error {
	return func(s *version.Session) error {
		err := t.change(func(m *model) error {
			m.indexes = slices.DeleteFunc(m.indexes, func(o *indexDef) bool { return o.objid == ix.ObjID })
			return nil
		})
		if err != nil {
			return err
		}
		return t.cat.destroy(s, t, ix.Tree)
	}
}

// RefreshSortVersion gives an index over Unicode text that has no entries the sort version of new keys. Errors:
// ErrIndexNotFound, those of the collation, ErrWriteConflict.
func (t *Table) RefreshSortVersion(s *version.Session, id jet.ObjID) error {
	defs := t.indexes()
	i := slices.IndexFunc(defs, func(d *indexDef) bool { return d.objid == id })
	if i < 0 {
		return jet.ErrIndexNotFound
	}
	was := defs[i]
	now := was.clone()
	if err := now.collate(); err != nil {
		return err
	}
	err := nested(s, func() error {
		err := t.cat.replaceRow(s, makeRowKey(t.ObjID, RowIndex, uint32(id)), true, func(r *Row) {
			r.Flags = uint32(now.flags)
			r.Version = binary.LittleEndian.AppendUint64(nil, now.version)
			r.SortID = now.sortID[:]
		})
		if err != nil {
			return err
		}
		set := func(from *indexDef) func(*version.Session) error {
			return t.onIndex(was, func(d *indexDef) { d.flags, d.version, d.sortID = from.flags, from.version, from.sortID })
		}
		if err := t.cat.versioned(s, t, set(was), nil); err != nil {
			return err
		}
		return set(now)(s)
	})
	if err != nil {
		return err
	}
	return t.cat.countLocale(now)
}
