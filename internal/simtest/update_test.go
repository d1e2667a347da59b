package simtest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"esent/internal/engine"
	"esent/internal/jet"
)

// prepare begins an update; false if it has not succeeded. It may give code, or one of some others.
func (c *cursor) prepare(kind uint32, code jet.Err, effect func(), also ...jet.Err) bool {
	s := c.s
	want := append(c.gone(code, writeLock, nil), also...)
	if s.readOnly() {
		want = []jet.Err{jet.ErrTransReadOnly}
	}
	return s.w.run(call{what: fmt.Sprintf("%v: prepare %d", c, kind), ses: s, want: want,
		do: func() error { return c.c.PrepareUpdate(s.s, kind) }, effect: effect})
}

// gone gives the codes for a change of the record where code is what reading it gives: of a record that is deleted for
// the session, and that others have changed, it is not said which is found first.
func (c *cursor) gone(code jet.Err, k kind, col *column) []jet.Err {
	if code == jet.ErrRecordDeleted {
		if r := c.t.records[c.pos.pk]; r != nil && r.conflict(c.s.view(), k, col) {
			return []jet.Err{code, jet.ErrWriteConflict}
		}
	}
	return []jet.Err{code}
}

func (c *cursor) cancel() {
	s := c.s
	s.w.run(call{what: fmt.Sprintf("%v: cancel", c), ses: s, want: []jet.Err{0},
		do: func() error { return c.c.PrepareUpdate(s.s, jet.PrepCancel) }})
}

// insert adds a record made up.
func (c *cursor) insert() {
	s, w := c.s, c.s.w
	if c.t.primary == nil && s.level == 0 && (w.armed || w.fault != nil) {
		return // nobody would know its bookmark if the power went
	}
	if !c.prepare(jet.PrepInsert, 0, nil) {
		return
	}
	now := row{}
	c.automatic(&now)
	for _, col := range c.t.columns(s.view()) {
		likely := 3
		if c.t.primary != nil && slices.ContainsFunc(c.t.primary.segs, func(x segment) bool { return x.col == col }) || col.notNull && col.def == nil {
			likely = 30
		}
		if !col.special() && w.rng.IntN(likely) > 0 {
			now = c.set(now, col)
		}
	}
	c.update(nil, now, false)
}

// insertCopy adds a copy of the record.
func (c *cursor) insertCopy() {
	s, w := c.s, c.s.w
	if s.level == 0 || slices.ContainsFunc(c.t.cols, func(col *column) bool { return col.escrow }) {
		return
	}
	old, code := c.content(s.readOnly())
	var also []jet.Err
	if code == 0 && slices.ContainsFunc(c.t.cols, (*column).long) && c.t.records[c.pos.pk].conflict(s.view(), writeLock, nil) {
		also = append(also, jet.ErrWriteConflict) // who changes a long value keeps others from sharing it
	}
	if !c.prepare(jet.PrepInsertCopy, code, nil, also...) {
		return
	}
	now := old.with(nil, nil)
	delete(now, nil)
	c.automatic(&now)
	for _, col := range c.t.columns(s.view()) {
		primary := c.t.primary != nil && slices.ContainsFunc(c.t.primary.segs, func(x segment) bool { return x.col == col })
		if !col.special() && (primary || w.rng.IntN(4) == 0) {
			now = c.set(now, col)
		}
	}
	c.update(nil, now, false)
}

// automatic takes over what the engine sets in a record to be inserted.
func (c *cursor) automatic(r *row) {
	w := c.s.w
	for _, col := range c.t.columns(c.s.view()) {
		switch {
		case col.auto:
			get := engine.Retrieval{Column: col.id, Buf: w.buf, Itag: 1, Grbit: jet.BitRetrieveCopy}
			_, err := c.c.RetrieveColumn(c.s.s, &get)
			w.seen(err, "autoincrement value", 0)
			v := bytes.Clone(w.buf[:get.Actual])
			n := uint64(signed(v))
			if n <= c.t.autoMost {
				w.fail("autoincrement value %d after %d", n, c.t.autoMost)
			}
			c.t.autoMost = n
			for _, rec := range c.t.records {
				for _, e := range rec.events {
					if e.row != nil && bytes.Equal(e.row.get(col, 1), v) {
						w.fail("autoincrement value %d was used before", n)
					}
				}
			}
			*r = r.with(col, [][]byte{v})
		case col.version:
			*r = r.with(col, [][]byte{col.number(0)})
		}
	}
}

// replace changes the record.
func (c *cursor) replace() {
	s, w := c.s, c.s.w
	old, code := c.content(s.readOnly())
	v := s.view()
	if code == 0 && s.level > 0 && c.t.records[c.pos.pk].conflict(v, writeLock, nil) {
		code = jet.ErrWriteConflict
	}
	if !c.prepare(jet.PrepReplace, code, func() {
		if s.level > 0 {
			w.m.event(s.trx, s.level, c.t, c.pos.pk, &event{kind: writeLock})
		}
	}) {
		return
	}
	now, set := old, false
	likely := 1 + w.rng.IntN(6)
	for _, col := range c.t.columns(v) {
		primary := c.t.primary != nil && slices.ContainsFunc(c.t.primary.segs, func(x segment) bool { return x.col == col })
		if !col.special() && w.rng.IntN(likely) == 0 && (!primary || w.rng.IntN(10) == 0) {
			next := c.set(now, col)
			set = set || c.didSet
			now = next
		}
	}
	if !set {
		c.cancel()
		return
	}
	for _, col := range c.t.columns(v) {
		if col.version {
			n := int64(0)
			if b := old.get(col, 1); b != nil {
				n = signed(b)
			}
			now = now.with(col, [][]byte{col.number(n + 1)})
		}
	}
	c.update(old, now, true)
}

// update has the prepared update made. old is the record that is replaced, nil for an insert.
func (c *cursor) update(old, now row, replaces bool) {
	s, w, t := c.s, c.s.w, c.t
	want, pk := c.judge(old, now, replaces)
	what := "insert"
	if replaces {
		what = "replace"
	}
	mark := make([]byte, 300)
	var got string
	ok := w.run(call{what: fmt.Sprintf("%v: %s %x", c, what, pk), ses: s, want: want, sync: true,
		do: func() error {
			n, err := c.c.Update(s.s, 0, mark, 0)
			if err == nil {
				got = string(mark[:n])
			}
			return err
		},
		effect: func() {
			if t.primary == nil && !replaces {
				pk = got
			}
			w.change(s, func(tr *trx, level int) { w.m.put(tr, level, t, pk, now) })
		}})
	if !ok {
		c.cancel()
		return
	}
	switch {
	case got != pk:
		w.fail("session %d: %v: bookmark %x, want %x", s.n, c, got, pk)
	case t.primary == nil && !replaces:
		c.checkNumber(pk)
	}
}

// checkNumber says whether a new record of a table without primary index has got a number above all that somebody
// sees. Numbers of records that are gone may come again when the table was not used for a while.
func (c *cursor) checkNumber(pk string) {
	s, w, t := c.s, c.s.w, c.t
	views := []view{w.m.now()}
	for _, tr := range w.running() {
		views = append(views, view{tr, tr.begin})
	}
	for o, r := range t.records {
		if o < pk && len(o) == 4 {
			continue
		}
		for _, v := range views {
			_, there := r.read(t, v)
			if there && (o != pk || v.trx != s.trx && s.trx != nil) {
				w.fail("session %d: %v: new record %x, there is %x", s.n, c, pk, o)
			}
		}
	}
}

// judge says how an update must end, and what the record's primary key is.
func (c *cursor) judge(old, now row, replaces bool) (codes []jet.Err, pk string) {
	s, t := c.s, c.t
	v := s.view()
	if !replaces {
		for _, col := range t.columns(v) {
			if col.notNull && col.def == nil && now.get(col, 1) == nil {
				return []jet.Err{jet.ErrNullInvalid}, ""
			}
		}
	}
	pk = c.pos.pk
	if t.primary != nil {
		keys, null := t.primary.keys(now)
		switch {
		case null && t.primary.nulls == disallow:
			return []jet.Err{jet.ErrNullKeyDisallowed}, ""
		case replaces && keys[0] != pk:
			return []jet.Err{jet.ErrRecordPrimaryChanged}, ""
		}
		pk = keys[0]
	} else if !replaces {
		pk = ""
	}
	if r := t.records[pk]; r != nil {
		_, there := r.read(t, v)
		switch {
		case replaces && r.conflict(v, replace, nil):
			return []jet.Err{jet.ErrWriteConflict}, pk
		case !replaces && (there || r.conflict(v, insert, nil)):
			return []jet.Err{jet.ErrKeyDuplicate}, pk
		}
	}
	for _, x := range t.indexes {
		if !x.maintained(v) || x.died != nil && slices.ContainsFunc(x.segs, func(g segment) bool { return !v.sight(g.col.born, g.col.died) }) {
			continue // or others have dropped it, and then this session a column of it
		}
		keys, null := x.keys(now)
		if null && x.nulls == disallow {
			codes = append(codes, jet.ErrNullKeyDisallowed)
			continue
		}
		if !x.unique {
			continue
		}
		var before []string
		if replaces {
			before, _ = x.keys(old)
		}
		for _, k := range keys {
			if !slices.Contains(before, k) && x.duplicate(v, k) {
				codes = append(codes, jet.ErrKeyDuplicate)
				break
			}
		}
	}
	if codes == nil {
		codes = []jet.Err{0}
	}
	return codes, pk
}

// remove deletes the record.
func (c *cursor) remove() {
	s, w := c.s, c.s.w
	_, code := c.content(s.readOnly())
	v := s.view()
	switch {
	case s.readOnly():
		code = jet.ErrTransReadOnly
	case code == 0 && c.t.records[c.pos.pk].conflict(v, remove, nil):
		code = jet.ErrWriteConflict
	}
	w.run(call{what: fmt.Sprintf("%v: delete", c), ses: s, want: c.gone(code, remove, nil), sync: true,
		do: func() error { return c.c.Delete(s.s, 0) },
		effect: func() {
			w.change(s, func(tr *trx, level int) { w.m.put(tr, level, c.t, c.pos.pk, nil) })
		}})
}

// escrow adds to an escrow column.
func (c *cursor) escrow() {
	s, w := c.s, c.s.w
	v := s.view()
	var list []*column
	for _, col := range c.t.columns(v) {
		if col.escrow {
			list = append(list, col)
		}
	}
	if len(list) == 0 {
		return
	}
	col := list[w.rng.IntN(len(list))]
	_, code := c.content(s.level == 0 || s.readOnly())
	want := []jet.Err{code}
	var total int64
	switch {
	case s.level == 0:
		want = []jet.Err{jet.ErrNotInTransaction}
	case s.readOnly():
		want = []jet.Err{jet.ErrTransReadOnly}
	case code != 0:
		want = append(c.gone(code, delta, col), jet.ErrRecordDeleted)
	case c.t.records[c.pos.pk].conflict(v, delta, col):
		want = []jet.Err{jet.ErrWriteConflict}
	default:
		total = c.t.records[c.pos.pk].total(col)
	}
	n := int64(w.rng.IntN(100) - 50)
	old := make([]byte, col.max)
	if w.run(call{what: fmt.Sprintf("%v: escrow %s %+d", c, col.name, n), ses: s, want: want,
		do: func() error {
			_, err := c.c.EscrowUpdate(s.s, 0, col.id, binary.LittleEndian.AppendUint64(nil, uint64(n))[:col.max], old, 0)
			return err
		},
		effect: func() {
			w.m.event(s.trx, s.level, c.t, c.pos.pk, &event{kind: delta, col: col, n: n})
		}}) && signed(old) != total {
		w.fail("session %d: %v: escrow update found %d, want %d", s.n, c, signed(old), total)
	}
}

// lock locks the record.
func (c *cursor) lock() {
	s, w := c.s, c.s.w
	k, grbit := readLock, jet.Grbit(jet.BitReadLock)
	if w.rng.IntN(2) == 0 {
		k, grbit = writeLock, jet.BitWriteLock
	}
	_, code := c.content(s.level == 0 || s.readOnly() && k == writeLock)
	switch {
	case s.level == 0:
		code = jet.ErrNotInTransaction
	case s.readOnly() && k == writeLock:
		code = jet.ErrTransReadOnly
	case code == 0 && c.t.records[c.pos.pk].conflict(s.view(), k, nil):
		code = jet.ErrWriteConflict
	}
	w.run(call{what: fmt.Sprintf("%v: lock %d", c, k), ses: s, want: c.gone(code, k, nil),
		do:     func() error { return c.c.GetLock(s.s, grbit) },
		effect: func() { w.m.event(s.trx, s.level, c.t, c.pos.pk, &event{kind: k}) }})
}

// set sets a column of the prepared update to something made up, and gives the record as it is then.
func (c *cursor) set(r row, col *column) row {
	s, w := c.s, c.s.w
	c.didSet = false
	if col.long() && s.level == 0 {
		return r
	}
	set := engine.Setting{Column: col.id, Itag: 1}
	list := r[col]
	want := jet.Err(0)
	nothing := false
	next := list
	value := func(v []byte) {
		set.Data, set.Size = v, len(v)
		if v != nil && len(v) == 0 {
			set.Grbit |= jet.BitSetZeroLength
		}
	}
	made := col.value(w.rng)
	if w.rng.IntN(8) == 0 && !col.escrow { // nobody says what is added to NULL
		made = nil
	}
	switch {
	case col.multi:
		n := w.rng.IntN(len(list) + 2) // 0 appends
		if made == nil {
			if len(list) == 0 {
				return r
			}
			n = 1 + w.rng.IntN(len(list))
			next = slices.Delete(slices.Clone(list), n-1, n)
		} else if n == 0 || n > len(list) {
			next = append(slices.Clone(list), made)
		} else {
			next = slices.Clone(list)
			next[n-1] = made
		}
		set.Itag = uint32(n)
		value(made)
	case col.long():
		now := r.get(col, 1)
		then := c.setLong(&set, now, made)
		// Nothing appended to a value, or put into it, sets nothing.
		nothing = now != nil && set.Size == 0 && set.Grbit&(jet.BitSetAppendLV|jet.BitSetOverwriteLV) != 0
		if next = nil; then != nil {
			next = [][]byte{then}
		}
	case made == nil && col.notNull:
		want = jet.ErrNullInvalid
	case made == nil:
		next = [][]byte{}
	default:
		value(made)
		next = [][]byte{made}
	}
	what := fmt.Sprintf("%v: set %s itag %d, %d bytes at %d, %#x", c, col.name, set.Itag, set.Size, set.Offset, uint32(set.Grbit))
	if !w.run(call{what: what, ses: s, want: []jet.Err{want}, do: func() error {
		_, err := c.c.SetColumn(s.s, 0, &set)
		return err
	}}) {
		return r
	}
	c.didSet = !nothing
	if next == nil {
		next = [][]byte{}
	}
	r = r.with(col, next)
	// The copy buffer must have it.
	if w.rng.IntN(8) == 0 && !col.escrow {
		itag := int(max(set.Itag, 1))
		get := engine.Retrieval{Column: col.id, Buf: w.buf, Itag: uint32(itag), Grbit: jet.BitRetrieveCopy}
		warn, err := c.c.RetrieveColumn(s.s, &get)
		w.seen(err, what+", read back", 0)
		got := w.buf[:get.Actual]
		if v := r.get(col, itag); (v == nil) != (warn == jet.WrnColumnNull) || !bytes.Equal(got, v) {
			w.fail("session %d: %s: copy buffer has %s (%d), want %s", s.n, what, show(nil, got), warn, show(nil, v))
		}
	}
	return r
}

// setLong makes up how a long value that is now is set, and gives what it is then.
func (c *cursor) setLong(set *engine.Setting, now, made []byte) []byte {
	r := c.s.w.rng
	set.Grbit = []jet.Grbit{0, 0, 0, 0, jet.BitSetSeparateLV, jet.BitSetCompressed, jet.BitSetUncompressed}[r.IntN(7)]
	set.Data, set.Size = made, len(made)
	switch r.IntN(6) {
	case 0:
		set.Grbit |= jet.BitSetAppendLV
		switch {
		case len(made) > 0:
			return append(bytes.Clone(now), made...)
		case now == nil:
			return []byte{}
		}
		return now
	case 1:
		set.Grbit |= jet.BitSetOverwriteLV
		at := 0
		if len(now) > 0 {
			at = r.IntN(len(now) + 1)
		}
		set.Offset = uint32(at)
		switch {
		case len(made) > 0:
			then := append(bytes.Clone(now[:at]), made...)
			if len(then) < len(now) {
				then = append(then, now[len(then):]...)
			}
			return then
		case now == nil:
			return []byte{}
		}
		return now
	case 2:
		set.Grbit |= jet.BitSetSizeLV
		set.Data, set.Size = nil, r.IntN(2*len(now)+100)
		if set.Size == 0 {
			return nil
		}
		then := make([]byte, set.Size)
		copy(then, now)
		return then
	}
	if made != nil && len(made) == 0 {
		set.Grbit |= jet.BitSetZeroLength
	}
	return made
}
