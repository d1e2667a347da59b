package engine

import (
	"encoding/binary"
	"sync"

	"esent/internal/engine/btree"
	"esent/internal/engine/record"
	"esent/internal/engine/version"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// zeroedRecord is a record in which an escrow number has come to 0 whose column wants the record deleted then
// (JET_bitColumnDeleteOnZero and JET_bitColumnFinalize, spec chapter 01, 11.5).
type zeroedRecord struct {
	db     jet.DBID
	table  jet.ObjID
	key    []byte
	offset uint16 // of the number in the record
	wide   bool
}

// zeroedRecords are those to be looked at: their numbers are committed and seen by all. They are deleted in
// transactions of their own, in the background.
type zeroedRecords struct {
	task vfs.Task

	mu    sync.Mutex
	queue []zeroedRecord

	running sync.Mutex
	session *version.Session // guarded by running
}

// atZero has the current record looked at when what the session has done is committed and seen by all.
func (c *Cursor) atZero(s *Session, col *record.Column) error {
	z := zeroedRecord{db: c.db.id, table: c.table.ObjID, key: append([]byte(nil), c.primary.Key()...), offset: col.Offset, wide: col.Max == 8}
	q := &s.inst.zeroed
	return c.table.WhenSettled(s.trx, func() {
		q.mu.Lock()
		q.queue = append(q.queue, z)
		q.mu.Unlock()
		if q.task != nil {
			q.task.Kick()
		}
	})
}

// deleteZeroed deletes the records in the queue that still are at zero. One that cannot be deleted now stays, as a
// record at zero would that nobody changes any more.
func (i *Instance) deleteZeroed() {
	q := &i.zeroed
	q.running.Lock()
	defer q.running.Unlock()
	q.mu.Lock()
	queue := q.queue
	q.queue = nil
	q.mu.Unlock()
	if len(queue) == 0 {
		return
	}
	// An index that is being built must not miss a deletion; who builds it may be waiting for the caller.
	if !i.builds.turn.TryLock() {
		q.mu.Lock()
		q.queue = append(queue, q.queue...)
		q.mu.Unlock()
		return
	}
	defer i.builds.turn.Unlock()
	if q.session == nil {
		q.session = i.versions.NewSystemSession()
	}
	s := i.sessionOf(q.session)
	for k := range queue {
		if err := s.deleteZeroed(&queue[k]); s.trx.Level() > 0 || jet.CodeOf(err) == jet.ErrLogWriteFail {
			i.fail(err)
			return
		}
	}
}

func (s *Session) deleteZeroed(z *zeroedRecord) error {
	var d *Database
	for _, o := range s.inst.attached() {
		if o.id == z.db && !o.readOnly {
			d = o
		}
	}
	if d == nil {
		return nil
	}
	table, err := d.cat.TableByID(z.table)
	if err != nil {
		return err
	}
	defer table.Release()
	if table.Dropped() {
		return nil
	}
	if err := s.trx.BeginInner(); err != nil {
		return err
	}
	err = s.deleteAtZero(&Cursor{db: d, table: table}, z)
	if err == nil {
		_, err = s.trx.Commit()
	}
	if s.trx.Level() > 0 {
		if e := s.trx.Rollback(); e != nil {
			return e
		}
	}
	return err
}

// deleteAtZero deletes the record if its number is 0 and nobody has to do with it.
func (s *Session) deleteAtZero(c *Cursor, z *zeroedRecord) error {
	c.primary.Init(c.table.Tree)
	m, err := c.primary.Seek(s.trx, z.key, nil, btree.EQ)
	if err != nil || m != btree.Equal {
		return err
	}
	c.record = onEntry
	node := c.primary.Node()
	if s.inst.versions.HasVersions(&node) {
		return nil
	}
	rec, err := c.copyRecord(s, nil)
	if err != nil {
		return err
	}
	sc := c.table.Schema()
	for k := range sc.Record.Fixed {
		col := &sc.Record.Fixed[k]
		if col.Offset != z.offset || !endsAtZero(col) {
			continue
		}
		v, err := sc.Record.Get(rec, col, 1)
		if err != nil || v.Null || !zeroNumber(v.Data, z.wide) {
			return err
		}
		return c.deleteRecord(s, sc, false)
	}
	return nil
}

// endsAtZero says that a record is to be deleted when the column's number comes to 0.
func endsAtZero(col *record.Column) bool {
	return col.Flags&(record.FlagDeleteOnZero|record.FlagFinalize) != 0
}

func zeroNumber(b []byte, wide bool) bool {
	if wide {
		return len(b) == 8 && binary.LittleEndian.Uint64(b) == 0
	}
	return len(b) == 4 && binary.LittleEndian.Uint32(b) == 0
}
