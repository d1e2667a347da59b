package engine

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"esent/internal/engine/catalog"
	"esent/internal/engine/key"
	"esent/internal/engine/record"
	"esent/internal/jet"
)

// desk is an instance with a database and a session, for tests of cursors.
type desk struct {
	*machine
	i  *Instance
	s  *Session
	db uint32
}

func newDesk(t testing.TB) *desk { return newDeskWith(t, nil) }

func newDeskWith(t testing.TB, values map[jet.ParamID]int64) *desk {
	d := &desk{machine: newMachine(t)}
	if n, ok := values[jet.ParamCacheSizeMax]; ok {
		d.set(nil, jet.ParamCacheSizeMax, n)
	}
	d.i = d.instance("a", "/db")
	for id, n := range values {
		if id != jet.ParamCacheSizeMax {
			d.set(d.i, id, n)
		}
	}
	_, err := d.i.Init(InitOptions{})
	d.want(err, 0)
	d.s = d.session()
	d.db, err = d.s.CreateDatabase(0, "/db/x.edb", 0, 0)
	d.want(err, 0)
	return d
}

// session opens another session, with the database open if there is one.
func (d *desk) session() *Session {
	d.t.Helper()
	s, err := d.i.BeginSession()
	d.want(err, 0)
	if d.db != 0 {
		_, err = s.OpenDatabase(0, "/db/x.edb", 0)
		d.want(err, 0)
	}
	return s
}

var columnTypes = map[string]uint8{"bit": jet.ColtypBit, "byte": jet.ColtypUnsignedByte, "short": jet.ColtypShort, "long": jet.ColtypLong,
	"currency": jet.ColtypCurrency, "double": jet.ColtypIEEEDouble, "binary": jet.ColtypBinary, "text": jet.ColtypText,
	"longbinary": jet.ColtypLongBinary, "longtext": jet.ColtypLongText, "longlong": jet.ColtypLongLong}

// table creates a table. Columns are "name type" and words such as "tagged", "multi", "notnull", "auto", "version",
// "escrow", "zero" (delete on zero), "default" and "compressed", indexes "name:+a-b" and words such as "primary", "unique", "nonull", "ignorenull".
func (d *desk) table(name string, columns []string, indexes ...string) {
	d.t.Helper()
	def := catalog.TableDef{Name: name}
	for _, text := range columns {
		words := strings.Fields(text)
		c := catalog.ColumnDef{Column: record.Column{Name: words[0], Type: columnTypes[words[1]]}, Class: record.ClassFixed}
		switch c.Type {
		case jet.ColtypText, jet.ColtypLongText:
			c.CodePage = 1252
		}
		switch c.Type {
		case jet.ColtypText, jet.ColtypBinary:
			c.Max, c.Class = 255, record.ClassVar
		case jet.ColtypLongText, jet.ColtypLongBinary:
			c.Class = record.ClassTagged
		default:
			c.Max = record.TypeSize(c.Type)
		}
		for _, w := range words[2:] {
			switch w {
			case "tagged":
				c.Class = record.ClassTagged
			case "multi":
				c.Class = record.ClassTagged
				c.Flags |= record.FlagMultivalued
			case "notnull":
				c.Flags |= record.FlagNotNull
			case "auto":
				c.Flags |= record.FlagAutoincrement
			case "version":
				c.Flags |= record.FlagVersion
			case "escrow":
				c.Flags |= record.FlagEscrowUpdate | record.FlagDefault
				c.Default = make([]byte, c.Max)
			case "zero":
				c.Flags |= record.FlagDeleteOnZero
			case "default":
				c.Flags |= record.FlagDefault
				c.Default = append([]byte{7}, make([]byte, max(0, c.Max-1))...)
				if c.Class != record.ClassFixed {
					c.Default = []byte("default")[:min(7, max(4, record.TypeSize(c.Type)))]
				}
			case "compressed":
				c.Flags |= record.FlagCompressed
			default:
				d.t.Fatal(w)
			}
		}
		def.Columns = append(def.Columns, c)
	}
	for _, text := range indexes {
		words := strings.Fields(text)
		ixName, segments, _ := strings.Cut(words[0], ":")
		ix := catalog.IndexDef{Name: ixName, MapFlags: key.DefaultMapFlags, Locale: key.DefaultLocale}
		grbit := jet.Grbit(0)
		for _, w := range words[1:] {
			switch w {
			case "primary":
				grbit |= jet.BitIndexPrimary
			case "unique":
				grbit |= jet.BitIndexUnique
			case "nonull":
				grbit |= jet.BitIndexDisallowNull
			case "ignorenull":
				grbit |= jet.BitIndexIgnoreNull
			case "ignoreany":
				grbit |= jet.BitIndexIgnoreAnyNull
			case "cross":
				grbit |= jet.BitIndexCrossProduct
			case "nocut":
				grbit |= jet.BitIndexDisallowTruncation
			default:
				if name, ok := strings.CutPrefix(w, "ifnull="); ok {
					ix.Conditions = append(ix.Conditions, catalog.Condition{Name: name, MustBeNull: true})
				} else if name, ok := strings.CutPrefix(w, "ifset="); ok {
					ix.Conditions = append(ix.Conditions, catalog.Condition{Name: name})
				} else {
					d.t.Fatal(w)
				}
			}
		}
		ix.Flags = key.FlagsFromGrbit(grbit)
		for _, seg := range strings.FieldsFunc(strings.NewReplacer("+", " +", "-", " -").Replace(segments), func(r rune) bool { return r == ' ' }) {
			ix.Columns = append(ix.Columns, catalog.KeyColumn{Name: seg[1:], Descending: seg[0] == '-'})
		}
		def.Indexes = append(def.Indexes, ix)
	}
	base, err := d.s.database(d.db)
	d.want(err, 0)
	d.want(d.s.BeginTransaction(0, 0), 0)
	table, _, err := base.cat.CreateTable(d.s.trx, &def)
	d.want(err, 0)
	table.Release()
	d.want(d.s.CommitTransaction(0, jet.BitCommitLazyFlush, 0, nil), 0)
}

// open opens a cursor.
func (d *desk) open(s *Session, name string) *row {
	d.t.Helper()
	c, err := s.OpenTable(0, d.db, name, jet.BitTableUpdatable)
	d.want(err, 0)
	return &row{Cursor: c, d: d, s: s}
}

// row is a cursor with calls that name columns and fail the test when they must not fail.
type row struct {
	*Cursor
	d *desk
	s *Session
}

func (r *row) column(name string) jet.ColumnID {
	c := r.table.Schema().ColumnByName(r.s.trx, name)
	if c == nil {
		r.d.t.Fatalf("no column %q", name)
	}
	return c.ID
}

// bytesOf gives the bytes that a test value stands for in a column.
func (r *row) bytesOf(id jet.ColumnID, v any) []byte {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		return []byte(v)
	case []byte:
		return v
	case int:
		b := binary.LittleEndian.AppendUint64(nil, uint64(v))
		return b[:record.TypeSize(r.table.Schema().Full(id).Type)]
	}
	panic(v)
}

// set sets columns of the prepared update: "name", value pairs.
func (r *row) set(pairs ...any) error {
	r.d.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		name, itag := pairs[i].(string), uint32(1)
		if n, s, ok := strings.Cut(name, ":"); ok {
			name = n
			fmt.Sscan(s, &itag)
		}
		id := r.column(name)
		data := r.bytesOf(id, pairs[i+1])
		set := Setting{Column: id, Data: data, Size: len(data), Itag: itag}
		if v, ok := pairs[i+1].(string); ok && v == "" {
			set.Grbit = jet.BitSetZeroLength
		}
		if _, err := r.SetColumn(r.s, 0, &set); err != nil {
			return err
		}
	}
	return nil
}

func (r *row) insert(pairs ...any) error {
	r.d.t.Helper()
	r.d.want(r.PrepareUpdate(r.s, jet.PrepInsert), 0)
	err := r.set(pairs...)
	if err == nil {
		_, err = r.Update(r.s, 0, nil, 0)
	}
	if err != nil {
		r.d.want(r.PrepareUpdate(r.s, jet.PrepCancel), 0)
	}
	return err
}

func (r *row) replace(pairs ...any) error {
	r.d.t.Helper()
	if err := r.PrepareUpdate(r.s, jet.PrepReplace); err != nil {
		return err
	}
	err := r.set(pairs...)
	if err == nil {
		_, err = r.Update(r.s, 0, nil, 0)
	}
	if err != nil {
		r.d.want(r.PrepareUpdate(r.s, jet.PrepCancel), 0)
	}
	return err
}

// value reads a column: "NULL", a number, or text; an error as "err(-1)".
func (r *row) value(name string, grbit ...jet.Grbit) string {
	itag := uint32(1)
	if n, s, ok := strings.Cut(name, ":"); ok {
		name = n
		fmt.Sscan(s, &itag)
	}
	var buf [4096]byte
	get := Retrieval{Column: r.column(name), Buf: buf[:], Itag: itag}
	for _, g := range grbit {
		get.Grbit |= g
	}
	warn, err := r.RetrieveColumn(r.s, &get)
	switch {
	case err != nil:
		return fmt.Sprintf("err(%d)", jet.CodeOf(err))
	case warn == jet.WrnColumnNull:
		return "NULL"
	}
	b := buf[:min(int(get.Actual), len(buf))]
	switch t := r.table.Schema().Full(get.Column).Type; t {
	case jet.ColtypText, jet.ColtypLongText, jet.ColtypBinary, jet.ColtypLongBinary:
		return string(b)
	default:
		var n [8]byte
		copy(n[:], b)
		v := int64(binary.LittleEndian.Uint64(n[:]))
		if len(b) == 4 {
			v = int64(int32(v))
		}
		return fmt.Sprint(v)
	}
}

// row gives several columns of the record.
func (r *row) values(names ...string) string {
	var list []string
	for _, n := range names {
		list = append(list, r.value(n))
	}
	return strings.Join(list, " ")
}

// scan gives all records in the order of the current index: "1 a/2 b".
func (r *row) scan(names ...string) string {
	r.d.t.Helper()
	var list []string
	err := r.Move(r.s, MoveFirst, 0)
	for ; err == nil; err = r.Move(r.s, 1, 0) {
		list = append(list, r.values(names...))
	}
	r.d.want(err, jet.ErrNoCurrentRecord)
	return strings.Join(list, "/")
}

// seek seeks with the values given for the key's columns.
func (r *row) seek(grbit jet.Grbit, values ...any) (jet.Err, error) {
	r.d.t.Helper()
	ix := r.currentIndex(r.s)
	for i, v := range values {
		g := jet.Grbit(0)
		if i == 0 {
			g = jet.BitNewKey
		}
		b := r.bytesOf(ix.Columns[i].ID, v)
		if v == "" {
			g |= jet.BitKeyDataZeroLength
		}
		r.d.want(r.MakeKey(r.s, b, g), 0)
	}
	return r.Seek(r.s, grbit)
}

func (r *row) seekEQ(values ...any) {
	r.d.t.Helper()
	_, err := r.seek(jet.BitSeekEQ, values...)
	r.d.want(err, 0)
}

func (r *row) index(name string) {
	r.d.t.Helper()
	r.d.want(r.SetCurrentIndex(r.s, name, nil, jet.BitMoveFirst, 1), 0)
}

func (d *desk) begin(s *Session) { d.t.Helper(); d.want(s.BeginTransaction(0, 0), 0) }
func (d *desk) commit(s *Session) {
	d.t.Helper()
	d.want(s.CommitTransaction(0, jet.BitCommitLazyFlush, 0, nil), 0)
}
func (d *desk) rollback(s *Session) {
	d.t.Helper()
	d.want(s.Rollback(0, 0), 0)
}

// expect compares strings.
func (d *desk) expect(got, want string) {
	d.t.Helper()
	if got != want {
		d.t.Errorf("got  %s\nwant %s", got, want)
	}
}
