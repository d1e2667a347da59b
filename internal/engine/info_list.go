package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"

	"golang.org/x/text/encoding/charmap"

	"esent/internal/engine/record"
	"esent/internal/jet"
)

// infoList is a temporary table that an info call fills and hands to the caller.
type infoList struct {
	s    *Session
	defs []ColumnDef
	rows [][][]byte // values of the columns, nil for NULL
}

// newList begins a list with columns.
func (s *Session) newList(defs []ColumnDef) *infoList { return &infoList{s: s, defs: defs} }

// add adds a row with the values of the list's columns.
func (l *infoList) add(row [][]byte) { l.rows = append(l.rows, row) }

// text gives a name in the code page of the list's names.
func (l *infoList) text(name string) []byte {
	if l.defs[1].CodePage == codePageUnicode || l.defs[0].CodePage == codePageUnicode {
		return wideName(name)
	}
	return []byte(name)
}

// wideName gives a name, in code page 1252, as UTF-16.
func wideName(name string) []byte {
	b := make([]byte, 0, 2*len(name))
	for i := 0; i < len(name); i++ {
		b = binary.LittleEndian.AppendUint16(b, uint16(wideChar(name[i])))
	}
	return b
}

// wideChar is the Unicode character of a byte; bytes that have none in code page 1252 stand for the control character of
// their number, as Windows has it.
func wideChar(c byte) rune {
	if r := charmap.Windows1252.DecodeByte(c); r != 0xFFFD {
		return r
	}
	return rune(c)
}

// finish makes the temporary table, with the cursor on the first row, and gives it with the ids of its columns.
//
// Names that are different can have the same key by the rules for text, or none. Then the rows are numbered instead.
func (l *infoList) finish() (*Cursor, []jet.ColumnID, error) {
	c, err := l.open()
	switch jet.CodeOf(err) {
	case jet.ErrKeyDuplicate, jet.ErrUnicodeNormalizationNotSupported, jet.ErrUnicodeTranslationFail:
		l.number()
		c, err = l.open()
	}
	if err != nil {
		return nil, nil, err
	}
	ids := make([]jet.ColumnID, len(l.defs))
	for i := range l.defs {
		ids[i] = l.defs[i].ID
	}
	return c, ids, nil
}

// open makes the temporary table from the rows.
func (l *infoList) open() (*Cursor, error) {
	c, err := l.s.openTemp(&TempTableDef{Columns: l.defs, Grbit: jet.BitTTScrollable | jet.BitTTIndexed})
	if err != nil {
		return nil, err
	}
	to := list{s: l.s, c: c, defs: l.defs}
	for _, row := range l.rows {
		if err := to.add(row); err != nil {
			return nil, to.fail(err)
		}
	}
	if err := c.move(l.s, MoveFirst, 0); err != nil && err != jet.ErrNoCurrentRecord {
		return nil, to.fail(err)
	}
	return c, nil
}

// number replaces the key by a column of its own, a number in the order of the values that were the key.
func (l *infoList) number() {
	var keys []int
	for i := range l.defs {
		if l.defs[i].Grbit&jet.BitColumnTTKey != 0 {
			keys = append(keys, i)
			l.defs[i].Grbit &^= jet.BitColumnTTKey
		}
	}
	slices.SortStableFunc(l.rows, func(a, b [][]byte) int {
		for _, k := range keys {
			x, y := a[k], b[k]
			if l.defs[k].Type != jet.ColtypText {
				x, y = slices.Clone(x), slices.Clone(y)
				slices.Reverse(x) // numbers have their low byte first
				slices.Reverse(y)
			}
			if c := bytes.Compare(x, y); c != 0 {
				return c
			}
		}
		return 0
	})
	l.defs = append(slices.Clone(l.defs), ColumnDef{Type: jet.ColtypLong, Grbit: jet.BitColumnFixed | jet.BitColumnTTKey})
	for i := range l.rows {
		l.rows[i] = append(slices.Clone(l.rows[i]), long(uint32(i)))
	}
}

// list fills a temporary table.
type list struct {
	s    *Session
	c    *Cursor
	defs []ColumnDef
	rows uint32
}

// add adds a row with the values of the table's columns, nil for NULL.
func (l *list) add(row [][]byte) error {
	t, sc := l.c.temp, l.c.schema()
	t.buf.Reset(sc.Record)
	for i, v := range row {
		if v == nil {
			continue
		}
		col := sc.Record.Column(l.defs[i].ID)
		if _, err := t.buf.Set(col, 1, record.SetValue{Data: v}, jet.BitSetZeroLength); err != nil {
			return err
		}
	}
	l.rows++
	if l.c.collecting() {
		return l.c.collectRecord(l.s, t.buf.Bytes())
	}
	return l.c.appendRecord(l.s, t.buf.Bytes())
}

// fail closes the table after an error.
func (l *list) fail(err error) error { return errors.Join(err, l.c.close()) }
