package engine

import (
	"encoding/binary"
	"testing"

	"esent/internal/jet"
)

// TestCallbackOrder has callbacks of a template and of the table derived from it called, the newest first, and one of
// them change what is inserted.
func TestCallbackOrder(t *testing.T) {
	d := newDesk(t)
	long := func(name string) ColumnDef { return ColumnDef{Name: name, Type: jet.ColtypLong} }
	base, err := d.s.CreateTableColumnIndex(0, d.db, &TableCreate{Name: "base", Grbit: jet.BitTableCreateTemplateTable,
		Columns: []ColumnDef{long("k"), long("n")}, Indexes: []IndexDef{{Name: "p", Key: []byte("+k\x00\x00"), Grbit: jet.BitIndexPrimary}}})
	d.want(err, 0)
	derived, err := d.s.CreateTableColumnIndex(0, d.db, &TableCreate{Name: "derived", Template: "base"})
	d.want(err, 0)
	calls := ""
	note := func(c *Cursor, types uint32, text string, result jet.Err) *Callback {
		cb, err := c.RegisterCallback(d.s, types, func(ev *Event) jet.Err {
			calls += text
			return result
		})
		d.want(err, 0)
		return cb
	}
	note(base, jet.CbtypBeforeInsert, "t", 0)
	note(derived, jet.CbtypBeforeInsert|jet.CbtypAfterInsert, "a", 0)
	note(derived, jet.CbtypAfterInsert, "b", -11001)
	d.want(derived.Close(d.s, 0), 0)
	r := d.open(d.s, "derived")
	d.want(r.insert("k", 1), 0)
	if calls != "atb" {
		t.Errorf("called %q", calls)
	}
	calls = ""
	stop := note(r.Cursor, jet.CbtypBeforeInsert, "s", -11000)
	d.want(r.insert("k", 2), -11000)
	if calls != "s" {
		t.Errorf("called %q", calls)
	}
	_, err = base.UnregisterCallback(d.s, stop, 0)
	d.want(err, jet.ErrInvalidParameter)
	if gone, err := r.UnregisterCallback(d.s, stop, jet.CbtypBeforeInsert); !gone || err != nil {
		t.Errorf("unregistered: %v, %v", gone, err)
	}
	d.want(r.insert("k", 2), 0)
	d.expect(r.scan("k"), "1/2")
}

// TestComputedDefault has a function compute a column's default, as a value and as a key, if that is enabled.
func TestComputedDefault(t *testing.T) {
	d := newDeskWith(t, map[jet.ParamID]int64{jet.ParamEnablePersistedCallbacks: 1})
	names := map[string]bool{"m!twice": true}
	d.proc.SetCallbackResolver(func(name string, data []byte) (CallbackFunc, error) {
		if !names[name] {
			return nil, jet.ErrCallbackNotResolved
		}
		return func(ev *Event) jet.Err {
			var b [4]byte
			k := &Retrieval{Column: 1, Itag: 1, Buf: b[:]}
			if _, err := ev.Cursor.RetrieveColumn(ev.Session, k); err != nil {
				return jet.CodeOf(err)
			}
			ev.Size = uint32(copy(ev.Value, binary.LittleEndian.AppendUint32(nil, uint32(data[0])*binary.LittleEndian.Uint32(b[:]))))
			return 0
		}, nil
	})
	d.table("t", []string{"k long"}, "p:+k primary")
	r := d.open(d.s, "t")
	def := &ColumnDef{Name: "c", Type: jet.ColtypLong, Grbit: jet.BitColumnTagged | jet.BitColumnUserDefinedDefault,
		UserDefined: &UserDefinedDefault{Callback: "m!none", Data: []byte{2}}}
	_, _, err := r.AddColumn(d.s, def)
	d.want(err, jet.ErrCallbackNotResolved)
	def.UserDefined.Callback = "m!twice"
	_, _, err = r.AddColumn(d.s, def)
	d.want(err, 0)
	for k := range 3 {
		d.want(r.insert("k", k), 0)
	}
	d.expect(r.scan("k", "c"), "0 0/1 2/2 4")
	err = r.CreateIndex(d.s, []IndexDef{{Name: "x", Key: []byte("-c\x00\x00")}})
	d.want(err, 0)
	d.want(r.insert("k", 3), 0)
	r.index("x")
	d.expect(r.scan("k", "c"), "3 6/2 4/1 2/0 0")
	d.want(r.EnumerateColumns(d.s, nil, 0, 0, nil), jet.ErrCallbackFailed)
	r.seekEQ(2)
	d.want(r.Delete(d.s, 0), 0)
	d.expect(r.scan("k"), "3/2/0")
	d.want(r.Close(d.s, 0), 0)
	names["m!twice"] = false
	_, err = d.s.OpenTable(0, d.db, "t", 0)
	d.want(err, jet.ErrCallbackNotResolved)
}
