package engine

import (
	"encoding/binary"

	"golang.org/x/text/encoding/charmap"

	"esent/internal/engine/record"
	"esent/internal/jet"
)

// list is a temporary table that an info call fills and hands to the caller.
type list struct {
	s    *Session
	c    *Cursor
	defs []ColumnDef
	rows uint32
}

// newList opens the temporary table of a list.
func (s *Session) newList(defs []ColumnDef) (*list, error) {
	c, err := s.openTemp(&TempTableDef{Columns: defs, Grbit: jet.BitTTScrollable | jet.BitTTIndexed})
	if err != nil {
		return nil, err
	}
	return &list{s: s, c: c, defs: defs}, nil
}

// text gives a name in the code page of the list's names.
func (l *list) text(name string) []byte {
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

// add adds a row with the values of the list's columns, nil for NULL.
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

// fail closes the list after an error.
func (l *list) fail(err error) error {
	if e := l.c.close(); e != nil {
		return e
	}
	return err
}

// finish puts the cursor on the first row, and gives it with the ids of its columns.
func (l *list) finish() (*Cursor, []jet.ColumnID, error) {
	err := l.c.move(l.s, MoveFirst, 0)
	if err != nil && err != jet.ErrNoCurrentRecord {
		return nil, nil, l.fail(err)
	}
	ids := make([]jet.ColumnID, len(l.defs))
	for i := range l.defs {
		ids[i] = l.defs[i].ID
	}
	return l.c, ids, nil
}
