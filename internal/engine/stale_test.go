package engine

import (
	"testing"

	"esent/internal/jet"
)

// An update was prepared, and the record has changed since, with its long values. What the copy buffer refers to is not
// there any more, or belongs to nobody: the update says what has happened, and writes nothing of it.
func TestStaleUpdate(t *testing.T) {
	replace := func(o *row) {
		o.d.want(o.PrepareUpdate(o.s, jet.PrepReplace), 0)
		o.setLong(of("b", 3000), 0, 0)
		_, err := o.Update(o.s, 0, nil, 0)
		o.d.want(err, 0)
	}
	remove := func(o *row) { o.d.want(o.Delete(o.s, 0), 0) }
	const never, before, ended = 0, 1, 2 // when the transaction is in which the update is prepared
	for _, c := range []struct {
		name   string
		kind   uint32
		trx    int
		own    bool // another cursor of the session changes the record, not another session
		change func(o *row)
		read   jet.Err // of the copy buffer's long value
		update jet.Err
	}{
		{"replace outside, replaced", jet.PrepReplace, never, false, replace, jet.ErrWriteConflict, jet.ErrWriteConflict},
		{"replace outside, deleted", jet.PrepReplace, never, false, remove, jet.ErrRecordDeleted, jet.ErrRecordDeleted},
		{"replace without lock, replaced", jet.PrepReplaceNoLock, never, false, replace, jet.ErrWriteConflict, jet.ErrWriteConflict},
		{"replace, committed, replaced", jet.PrepReplace, ended, false, replace, jet.ErrWriteConflict, jet.ErrWriteConflict},
		{"replace, committed, deleted", jet.PrepReplace, ended, false, remove, jet.ErrRecordDeleted, jet.ErrRecordDeleted},
		{"replace without lock, committed, replaced", jet.PrepReplaceNoLock, ended, false, replace, jet.ErrWriteConflict, jet.ErrWriteConflict},
		{"replace, replaced by the session", jet.PrepReplace, before, true, replace, 0, jet.ErrSessionWriteConflict},
		{"replace, deleted by the session", jet.PrepReplace, before, true, remove, 0, jet.ErrRecordDeleted},
		{"replace outside, replaced by the session", jet.PrepReplace, never, true, replace, jet.ErrWriteConflict, jet.ErrWriteConflict},
		{"copy and delete outside, replaced", jet.PrepInsertCopyDeleteOriginal, never, false, replace, jet.ErrWriteConflict, jet.ErrWriteConflict},
		{"copy and delete outside, deleted", jet.PrepInsertCopyDeleteOriginal, never, false, remove, jet.ErrRecordDeleted, jet.ErrRecordDeleted},
		{"copy and delete, committed, replaced", jet.PrepInsertCopyDeleteOriginal, ended, false, replace, jet.ErrWriteConflict, jet.ErrWriteConflict},
		{"copy and delete, replaced by the session", jet.PrepInsertCopyDeleteOriginal, before, true, replace, 0, jet.ErrSessionWriteConflict},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			d.table("t", []string{"id long", "n long", "l longbinary"}, "pk:+id primary")
			r := d.open(d.s, "t")
			d.begin(d.s)
			d.want(r.PrepareUpdate(d.s, jet.PrepInsert), 0)
			d.want(r.set("id", 1), 0)
			r.setLong(of("a", 3000), 0, 0)
			_, err := r.Update(d.s, 0, nil, 0)
			d.want(err, 0)
			d.commit(d.s)
			d.want(r.Move(d.s, MoveFirst, 0), 0)

			if c.trx != never {
				d.begin(d.s)
			}
			d.want(r.PrepareUpdate(d.s, c.kind), 0)
			if c.trx == ended {
				d.commit(d.s)
			}
			d.expect(r.long(jet.BitRetrieveCopy), "a3000")
			other := d.s
			if !c.own {
				other = d.session()
			}
			o := d.open(other, "t")
			d.want(o.Move(other, MoveFirst, 0), 0)
			d.begin(other)
			c.change(o)
			d.commit(other)
			if c.trx != before {
				d.want(d.i.versions.Clean(), 0)
			}

			get := Retrieval{Column: r.column("l"), Buf: make([]byte, 5000), Itag: 1, Grbit: jet.BitRetrieveCopy}
			_, err = r.RetrieveColumn(d.s, &get)
			d.want(err, c.read)
			d.want(r.RecordSize(d.s, &RecordSize{}, jet.BitRecordSizeInCopyBuffer), c.read)
			d.want(r.set("n", 2), 0)
			_, err = r.Update(d.s, 0, nil, 0)
			d.want(err, c.update)
			d.want(r.PrepareUpdate(d.s, jet.PrepCancel), 0)
			if c.trx == before {
				d.commit(d.s)
			}
			if !c.own {
				d.want(other.End(0), 0)
			}
			d.judge()
		})
	}
}
