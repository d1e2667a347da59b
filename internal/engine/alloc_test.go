package engine

import (
	"testing"

	"esent/internal/jet"
)

// The calls that programs make for every row allocate nothing.
func TestHotPathAllocates(t *testing.T) {
	d := newDesk(t)
	d.table("t", []string{"id long", "a long", "x text", "g long tagged", "l longbinary", "e long escrow"}, "pk:+id primary", "ia:+a", "ix:+x+a")
	r := d.open(d.s, "t")
	s := r.s
	d.begin(s)
	for k := range 500 {
		d.want(r.insert("id", k, "a", k/3, "x", "text", "g", k, "l", []byte("a short one")), 0)
	}
	big := make([]byte, 9000)
	d.want(r.insert("id", 500, "a", 1000, "x", "u", "l", big), 0)
	d.commit(s)
	d.want(d.i.cleanUp(), 0)
	var buf [5][64]byte
	var list []Retrieval
	for i, name := range []string{"id", "a", "x", "g", "l"} {
		list = append(list, Retrieval{Column: r.column(name), Buf: buf[i][:], Itag: 1})
	}
	e := list
	e = append(e[:len(e):len(e)], Retrieval{Column: r.column("e"), Buf: make([]byte, 4), Itag: 1})
	none := func(name string, f func() error) {
		t.Helper()
		d.want(f(), 0)
		if n := testing.AllocsPerRun(100, func() {
			if err := f(); err != nil {
				t.Fatal(name, err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	key4 := []byte{9, 0, 0, 0}
	for _, level := range []int{0, 1} {
		for _, ix := range []string{"pk", "ia", "ix"} {
			r.index(ix)
			if level == 1 {
				d.begin(s)
			}
			d.want(r.Move(s, MoveFirst, 0), 0)
			d.want(r.Move(s, 300, 0), 0)
			none("JetMove "+ix, func() error { return r.Move(s, 1, 0) })
			none("JetMove back "+ix, func() error { return r.Move(s, -1, 0) })
			none("JetRetrieveColumn "+ix, func() error { _, err := r.RetrieveColumn(s, &list[1]); return err })
			none("JetRetrieveColumns "+ix, func() error { _, err := r.RetrieveColumns(s, list); return err })
			none("JetRetrieveColumns, escrow "+ix, func() error { _, err := r.RetrieveColumns(s, e); return err })
			none("JetRetrieveColumn from the index "+ix, func() error {
				_, err := r.RetrieveColumn(s, &Retrieval{Column: r.currentIndex(s).Columns[0].ID, Buf: buf[0][:], Itag: 1, Grbit: jet.BitRetrieveFromIndex})
				return err
			})
			none("JetRetrieveKey "+ix, func() error { _, _, err := r.RetrieveKey(s, buf[0][:], 0); return err })
			none("JetGetBookmark "+ix, func() error { _, err := r.Bookmark(s, buf[0][:]); return err })
			if ix != "ix" {
				none("JetSeek "+ix, func() error {
					if err := r.MakeKey(s, key4, jet.BitNewKey); err != nil {
						return err
					}
					_, err := r.Seek(s, jet.BitSeekEQ)
					return err
				})
				none("JetSetIndexRange "+ix, func() error {
					if err := r.MakeKey(s, key4, jet.BitNewKey); err != nil {
						return err
					}
					return r.SetIndexRange(s, jet.BitRangeUpperLimit|jet.BitRangeInclusive)
				})
			}
			if level == 1 {
				d.rollback(s)
			}
		}
	}
	r.index("pk")
	d.begin(s)
	r.seekEQ(500)
	var sink bufferSink
	none("JetEnumerateColumns", func() error { return r.EnumerateColumns(s, nil, 1<<30, 0, &sink) })
	none("JetRetrieveColumn, separated", func() error { _, err := r.RetrieveColumn(s, &list[4]); return err })
	r.seekEQ(7)
	none("JetGotoBookmark", func() error { return r.GotoBookmark(s, []byte{0x7f, 0x80, 0, 0, 9}) })
	r.seekEQ(7)
	d.want(r.PrepareUpdate(s, jet.PrepReplace), 0)
	sets := []Setting{{Column: r.column("a"), Data: key4, Size: 4, Itag: 1}, {Column: r.column("x"), Data: big[:30], Size: 30, Itag: 1},
		{Column: r.column("g"), Data: key4, Size: 4, Itag: 1}, {Column: r.column("l"), Data: big[:100], Size: 100, Itag: 1}}
	none("JetSetColumns", func() error { _, err := r.SetColumns(s, 0, sets); return err })
	none("JetSetColumn", func() error { _, err := r.SetColumn(s, 0, &sets[1]); return err })
	d.want(r.PrepareUpdate(s, jet.PrepCancel), 0)
	none("JetPrepareUpdate", func() error {
		if err := r.PrepareUpdate(s, jet.PrepReplaceNoLock); err != nil {
			return err
		}
		return r.PrepareUpdate(s, jet.PrepCancel)
	})
	d.rollback(s)
	none("JetMove without a record", func() error {
		if err := r.Move(s, MoveFirst, 0); err != nil {
			return err
		}
		if err := r.Move(s, -1, 0); err != jet.ErrNoCurrentRecord {
			return err
		}
		if _, err := r.RetrieveColumn(s, &list[0]); err != jet.ErrNoCurrentRecord {
			return err
		}
		return nil
	})
}

// bufferSink takes values into its buffer, each over the one before.
type bufferSink struct{ buf [10000]byte }

func (b *bufferSink) Column(jet.ColumnID, jet.Err, int) error { return nil }

func (b *bufferSink) Value(_ uint32, _ jet.Err, size int) ([]byte, error) { return b.buf[:size], nil }
