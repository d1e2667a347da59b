package engine

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"esent/internal/jet"
)

// modelRecord is a record of the model; 0 and "" stand for NULL except in l, where that is absent.
type modelRecord struct {
	a, u, c int
	b       string
	m       [3]int
	l       string
	e       int
}

// modelView is what a session sees.
type modelView map[int]modelRecord

// modelLevel is a transaction level: what the session sees, and what it changed in this level and those outside.
type modelLevel struct {
	view    modelView
	written map[int]bool // records inserted, replaced or deleted
	delta   map[int]int  // by escrow updates
	used    map[int]bool // values of the unique column that were in an entry, or are
}

func (l *modelLevel) clone() *modelLevel {
	return &modelLevel{maps.Clone(l.view), maps.Clone(l.written), maps.Clone(l.delta), maps.Clone(l.used)}
}

type modelSession struct {
	s      *Session
	w      *row            // for changes
	index  map[string]*row // for looking, each with its index
	levels []*modelLevel
	begun  int // model.clock when the snapshot was taken
}

// model is a table, and what must be in it.
type model struct {
	*desk
	rng       *rand.Rand
	committed modelView
	clock     int
	// written and added are the clock at the last committed change of a record, and at the last escrow update.
	written, added map[int]int
	// uses is the clock at the last committed change of an entry of the unique index.
	uses     map[int]int
	sessions []*modelSession
	counts   map[string]int
	// doubt are records that may be locked, or not.
	doubt map[int]bool
}

const modelIDs, modelUnique = 40, 30

var modelIndexes = []string{"pk", "ia", "iu", "im", "ic", "il"}

func newModel(t *testing.T, seed uint64, sessions int) *model {
	d := newDeskWith(t, map[jet.ParamID]int64{jet.ParamMaxVerPages: 2048})
	d.table("t", []string{"id long", "a long", "b text", "c long", "u long", "m long multi", "l longbinary", "e long escrow"},
		"pk:+id primary", "ia:+a-b", "iu:+u unique ignorenull", "im:+m", "ic:+b ifnull=c", "il:+l ignorenull")
	m := &model{desk: d, rng: rand.New(rand.NewPCG(seed, 7)), committed: modelView{}, written: map[int]int{}, added: map[int]int{},
		uses: map[int]int{}, counts: map[string]int{}, doubt: map[int]bool{}}
	for i := range sessions {
		s := d.s
		if i > 0 {
			s = d.session()
		}
		ms := &modelSession{s: s, w: d.open(s, "t"), index: map[string]*row{}}
		for _, ix := range modelIndexes {
			ms.index[ix] = d.open(s, "t")
			ms.index[ix].index(ix)
		}
		m.sessions = append(m.sessions, ms)
	}
	return m
}

// top is what the session sees; outside a transaction that is what is committed, and changes are to be committed.
func (m *model) top(ms *modelSession) *modelLevel {
	if n := len(ms.levels); n > 0 {
		return ms.levels[n-1]
	}
	ms.begun = m.clock
	return &modelLevel{maps.Clone(m.committed), map[int]bool{}, map[int]int{}, map[int]bool{}}
}

// commit makes a level's changes everybody's.
func (m *model) commit(l *modelLevel) {
	m.clock++
	for u := range l.used {
		m.uses[u] = m.clock
	}
	for id := range l.written {
		if r, ok := l.view[id]; ok {
			m.committed[id] = r
		} else {
			delete(m.committed, id)
		}
		m.written[id] = m.clock
	}
	for id, n := range l.delta {
		if l.written[id] {
			continue
		}
		r := m.committed[id]
		r.e += n
		m.committed[id] = r
		m.added[id] = m.clock
	}
}

// others calls f with the changes that other sessions have not committed.
func (m *model) others(ms *modelSession, f func(l *modelLevel)) {
	for _, o := range m.sessions {
		if o != ms && len(o.levels) > 0 {
			f(o.levels[len(o.levels)-1])
		}
	}
}

// conflict says whether the session may not write a record: another has, or has since.
func (m *model) conflict(ms *modelSession, id int) bool {
	bad := m.written[id] > ms.begun || m.added[id] > ms.begun
	m.others(ms, func(l *modelLevel) { _, d := l.delta[id]; bad = bad || d || l.written[id] })
	return bad
}

// uniqueRisk says whether others have to do with a value of the unique column.
func (m *model) uniqueRisk(ms *modelSession, u int) bool {
	bad := u != 0 && m.uses[u] > ms.begun
	m.others(ms, func(l *modelLevel) { bad = bad || u != 0 && l.used[u] })
	return bad
}

// put notes that a record was inserted or replaced, remove that it was deleted.
func (l *modelLevel) put(id int, r modelRecord) {
	l.used[l.view[id].u], l.used[r.u] = true, true
	l.view[id] = r
	l.written[id] = true
}

func (l *modelLevel) remove(id int) {
	l.used[l.view[id].u] = true
	delete(l.view, id)
	delete(l.delta, id)
	l.written[id] = true
}

func (m *model) random(r modelRecord, long bool) (modelRecord, []any) {
	var set []any
	for range 1 + m.rng.IntN(4) {
		switch m.rng.IntN(6) {
		case 0:
			r.a = m.rng.IntN(5)
			set = append(set, "a", number(r.a))
		case 1:
			r.b = ""
			if m.rng.IntN(4) > 0 {
				r.b = strings.Repeat(fmt.Sprint(m.rng.IntN(10)), 1+m.rng.IntN(200))
			}
			set = append(set, "b", text(r.b))
		case 2:
			r.c = m.rng.IntN(2)
			set = append(set, "c", number(r.c))
		case 3:
			r.u = m.rng.IntN(modelUnique)
			set = append(set, "u", number(r.u))
		case 4:
			// All values away, from the last to the first, and others set.
			for i := 3; i >= 1; i-- {
				set = append(set, fmt.Sprintf("m:%d", i), nil)
			}
			r.m = [3]int{}
			for i := range m.rng.IntN(4) {
				r.m[i] = 1 + m.rng.IntN(6)
				set = append(set, fmt.Sprintf("m:%d", i+1), r.m[i])
			}
		case 5:
			if !long {
				break
			}
			r.l = ""
			if n := m.rng.IntN(4); n > 0 {
				r.l = strings.Repeat(string(rune('A'+m.rng.IntN(3))), []int{0, 20, 1500, 9000}[n]+m.rng.IntN(3))
			}
			set = append(set, "l", text(r.l))
		}
	}
	return r, set
}

func number(n int) any {
	if n == 0 {
		return nil
	}
	return n
}

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// find puts the session's cursor on a record it sees.
func (m *model) find(ms *modelSession, id int) bool {
	m.t.Helper()
	_, err := ms.w.seek(jet.BitSeekEQ, id)
	_, seen := m.top(ms).view[id]
	want := jet.Err(0)
	if !seen {
		want = jet.ErrRecordNotFound
	}
	m.want(err, want)
	return seen
}

// outcome judges an error of a change. must and may are what must and what may come.
func (m *model) outcome(what string, err error, must bool, codes ...jet.Err) bool {
	m.t.Helper()
	if err == nil {
		if must {
			m.t.Fatalf("%s succeeded, want %v", what, codes)
		}
		return true
	}
	m.counts[what+" failed"]++
	if !slices.Contains(codes, jet.CodeOf(err)) {
		m.t.Fatalf("%s: %v, want %v", what, err, codes)
	}
	return false
}

// change does one thing that changes the table.
func (m *model) change(ms *modelSession) {
	m.t.Helper()
	top := m.top(ms)
	id := 1 + m.rng.IntN(modelIDs)
	inside := len(ms.levels) > 0
	done := false
	switch m.rng.IntN(8) {
	case 0, 1, 2:
		done = m.insert(ms, top, id)
	case 3, 4:
		if m.find(ms, id) {
			done = m.replace(ms, top, id)
		}
	case 5:
		if m.find(ms, id) {
			conflict := m.conflict(ms, id)
			done = m.outcome("delete", ms.w.Delete(ms.s, 0), conflict, m.only(conflict || m.doubt[id], jet.ErrWriteConflict)...)
			if done {
				top.remove(id)
			}
		}
	case 6:
		if inside && m.find(ms, id) {
			m.escrow(ms, top, id)
		}
	case 7:
		if inside && m.find(ms, id) {
			done = m.copy(ms, top, id)
		}
	}
	if done && !inside {
		m.commit(top)
	}
}

// only gives the codes of what may happen.
func (m *model) only(is bool, codes ...jet.Err) []jet.Err {
	if is {
		return codes
	}
	return nil
}

// uniqueOutcome judges an update that gives record id the values r.
func (m *model) uniqueOutcome(ms *modelSession, top *modelLevel, id int, u int) (must, may bool) {
	for o, r := range top.view {
		must = must || o != id && u != 0 && r.u == u
	}
	return must, must || m.uniqueRisk(ms, u)
}

func (m *model) insert(ms *modelSession, top *modelLevel, id int) bool {
	m.t.Helper()
	r, set := m.random(modelRecord{}, len(ms.levels) > 0)
	err := ms.w.insert(append([]any{"id", id}, set...)...)
	_, exists := top.view[id]
	must, may := m.uniqueOutcome(ms, top, id, r.u)
	may = may || exists || m.conflict(ms, id) || m.doubt[id]
	if !m.outcome("insert", err, must || exists, m.only(may, jet.ErrKeyDuplicate, jet.ErrWriteConflict)...) {
		return false
	}
	top.put(id, r)
	delete(top.delta, id)
	return true
}

func (m *model) replace(ms *modelSession, top *modelLevel, id int) bool {
	m.t.Helper()
	old := top.view[id]
	r, set := m.random(old, len(ms.levels) > 0)
	kind := []uint32{jet.PrepReplace, jet.PrepReplaceNoLock}[m.rng.IntN(2)]
	conflict := m.conflict(ms, id)
	codes := m.only(conflict || m.doubt[id], jet.ErrWriteConflict)
	if err := ms.w.PrepareUpdate(ms.s, kind); err != nil {
		return m.outcome("prepare", err, conflict, codes...)
	}
	cancel := func() bool {
		// A long value that was there has locked the record too.
		if ms.w.update.touched {
			m.doubt[id] = true
		}
		m.want(ms.w.PrepareUpdate(ms.s, jet.PrepCancel), 0)
		if len(ms.levels) > 0 && kind == jet.PrepReplace {
			top.written[id] = true
		}
		return false
	}
	if err := ms.w.set(set...); err != nil {
		m.outcome("set", err, conflict, codes...)
		return cancel()
	}
	if m.rng.IntN(8) == 0 || len(set) == 0 {
		return cancel()
	}
	var err error
	if m.rng.IntN(4) == 0 && len(ms.levels) > 0 && r.l != "" {
		r.l, err = m.editLong(ms, r.l)
	}
	if err == nil {
		_, err = ms.w.Update(ms.s, 0, nil, 0)
	}
	must, may := false, false
	if r.u != old.u {
		must, may = m.uniqueOutcome(ms, top, id, r.u)
	}
	if may {
		codes = append(codes, jet.ErrKeyDuplicate, jet.ErrWriteConflict)
	}
	if !m.outcome("replace", err, must || conflict, codes...) {
		return cancel()
	}
	top.put(id, r)
	return true
}

// editLong appends to the long value in the copy buffer, overwrites a part of it, or cuts it.
func (m *model) editLong(ms *modelSession, l string) (string, error) {
	m.t.Helper()
	set := Setting{Column: ms.w.column("l"), Itag: 1, Data: bytes.Repeat([]byte{'Z'}, 1+m.rng.IntN(3000))}
	set.Size = len(set.Data)
	switch m.rng.IntN(3) {
	case 0:
		set.Grbit = jet.BitSetAppendLV
		l += string(set.Data)
	case 1:
		set.Grbit = jet.BitSetOverwriteLV
		set.Offset = uint32(m.rng.IntN(len(l)))
		l = l[:set.Offset] + string(set.Data) + l[min(len(l), int(set.Offset)+set.Size):]
	case 2:
		set.Grbit, set.Data, set.Size = jet.BitSetSizeLV, nil, 1+m.rng.IntN(2*len(l))
		l = (l + strings.Repeat("\x00", set.Size))[:set.Size]
	}
	_, err := ms.w.SetColumn(ms.s, 0, &set)
	return l, err
}

func (m *model) escrow(ms *modelSession, top *modelLevel, id int) {
	m.t.Helper()
	n := m.rng.IntN(100) - 50
	bad := m.written[id] > ms.begun
	m.others(ms, func(l *modelLevel) { bad = bad || l.written[id] })
	e := ms.w.column("e")
	_, err := ms.w.EscrowUpdate(ms.s, 0, e, ms.w.bytesOf(e, n), nil, 0)
	if m.outcome("escrow", err, bad, m.only(bad || m.doubt[id], jet.ErrWriteConflict)...) {
		r := top.view[id]
		r.e += n
		top.view[id] = r
		top.delta[id] += n
	}
}

// copy inserts a copy of a record, or has one take its place.
func (m *model) copy(ms *modelSession, top *modelLevel, from int) bool {
	m.t.Helper()
	id := 1 + m.rng.IntN(modelIDs)
	kind := []uint32{jet.PrepInsertCopy, jet.PrepInsertCopyDeleteOriginal}[m.rng.IntN(2)]
	moves := kind == jet.PrepInsertCopyDeleteOriginal
	conflict := moves && m.conflict(ms, from)
	if err := ms.w.PrepareUpdate(ms.s, kind); err != nil {
		// The long value that both would refer to may be being changed.
		return m.outcome("prepare a copy", err, conflict, m.only(m.conflict(ms, from) || m.doubt[from], jet.ErrWriteConflict)...)
	}
	r, set := m.random(top.view[from], true)
	if !moves {
		r.e = top.view[from].e
	}
	m.want(ms.w.set(append([]any{"id", id}, set...)...), 0)
	_, err := ms.w.Update(ms.s, 0, nil, 0)
	if err != nil {
		m.want(ms.w.PrepareUpdate(ms.s, jet.PrepCancel), 0)
	}
	_, exists := top.view[id]
	exists = exists && !(moves && id == from)
	must, may := m.uniqueOutcome(ms, top, pick(moves, from, 0), r.u)
	may = may || exists || m.conflict(ms, id) || m.doubt[id]
	if !m.outcome("copy", err, must || exists || conflict, m.only(may || conflict || m.doubt[from], jet.ErrKeyDuplicate, jet.ErrWriteConflict)...) {
		if moves {
			top.written[from] = true
		}
		return false
	}
	if moves {
		top.remove(from)
	}
	top.put(id, r)
	delete(top.delta, id)
	return true
}

func pick(first bool, a, b int) int {
	if first {
		return a
	}
	return b
}

// step does one thing in a session.
func (m *model) step(ms *modelSession) {
	m.t.Helper()
	n := len(ms.levels)
	switch k := m.rng.IntN(20); {
	case k == 0 && n < 4, n == 0 && k < 5:
		m.begin(ms.s)
		next := m.top(ms)
		if n > 0 {
			next = next.clone()
		}
		ms.levels = append(ms.levels, next)
	case k < 3 && n > 0:
		m.desk.commit(ms.s)
		top := ms.levels[n-1]
		ms.levels = ms.levels[:n-1]
		if n == 1 {
			m.commit(top)
		} else {
			ms.levels[n-2] = top
		}
	case k == 3 && n > 0:
		m.rollback(ms.s)
		ms.levels = ms.levels[:n-1]
	case k == 4:
		m.check(ms)
		if !slices.ContainsFunc(m.sessions, func(o *modelSession) bool { return len(o.levels) > 0 }) {
			clear(m.doubt)
		}
	default:
		m.change(ms)
	}
}

// modelEntry is an entry of an index in the model.
type modelEntry struct {
	id int
	r  modelRecord
	m  int // the value of m that it stands for
}

// entries gives what an index must hold, in order.
func (v modelView) entries(ix string) []modelEntry {
	var list []modelEntry
	for id, r := range v {
		switch {
		case ix == "iu" && r.u == 0, ix == "ic" && r.c != 0, ix == "il" && r.l == "":
		case ix == "im":
			seen := map[int]bool{}
			for i, n := range r.m {
				if (n != 0 || i == 0) && !seen[n] {
					list = append(list, modelEntry{id, r, n})
					seen[n] = true
				}
			}
		default:
			list = append(list, modelEntry{id: id, r: r})
		}
	}
	slices.SortFunc(list, func(x, y modelEntry) int {
		order := 0
		switch ix {
		case "ia":
			order = cmp.Or(cmp.Compare(x.r.a, y.r.a), cmp.Compare(y.r.b, x.r.b))
		case "iu":
			order = cmp.Compare(x.r.u, y.r.u)
		case "im":
			order = cmp.Compare(x.m, y.m)
		case "ic":
			order = cmp.Compare(x.r.b, y.r.b)
		case "il":
			// Keys end after 255 bytes, of which binary segments of 8 bytes use 9.
			order = cmp.Compare(prefix(x.r.l), prefix(y.r.l))
		}
		return cmp.Or(order, cmp.Compare(x.id, y.id))
	})
	return list
}

func prefix(s string) string { return s[:min(len(s), 225)] }

func (e *modelEntry) String() string {
	return fmt.Sprintf("%d %d %s %d %d %v %d:%.30s %d", e.id, e.r.a, e.r.b, e.r.c, e.r.u, e.r.m, len(e.r.l), e.r.l, e.r.e)
}

// read gives the record that a cursor is on as the model has it.
func (r *row) read() string {
	get := func(name string) int {
		n := 0
		if v := r.value(name); v != "NULL" {
			if _, err := fmt.Sscan(v, &n); err != nil {
				r.d.t.Fatalf("%s: %s", name, v)
			}
		}
		return n
	}
	e := modelEntry{id: get("id"), r: modelRecord{a: get("a"), c: get("c"), u: get("u"), e: get("e")}}
	if v := r.value("b"); v != "NULL" {
		e.r.b = v
	}
	for i := range e.r.m {
		e.r.m[i] = get(fmt.Sprintf("m:%d", i+1))
	}
	buf := make([]byte, 30000)
	long := Retrieval{Column: r.column("l"), Buf: buf, Itag: 1}
	if warn, err := r.RetrieveColumn(r.s, &long); err != nil || warn == jet.WrnBufferTruncated {
		r.d.t.Fatal(warn, err)
	}
	e.r.l = string(buf[:long.Actual])
	return e.String()
}

// check compares all that a session sees in all indexes with the model.
func (m *model) check(ms *modelSession) {
	m.t.Helper()
	view := m.top(ms).view
	for _, ix := range modelIndexes {
		want := view.entries(ix)
		r := ms.index[ix]
		back := m.rng.IntN(2) == 0
		first, by := int32(MoveFirst), int32(1)
		if back {
			first, by = MoveLast, -1
			slices.Reverse(want)
		}
		err := r.Move(ms.s, first, 0)
		for i := range want {
			if err != nil {
				m.t.Fatalf("%s: %v instead of entry %d, %s", ix, err, i, &want[i])
			}
			if got := r.read(); got != want[i].String() {
				m.t.Fatalf("%s, back %v, entry %d:\ngot  %s\nwant %s", ix, back, i, got, &want[i])
			}
			err = r.Move(ms.s, by, 0)
		}
		if err != jet.ErrNoCurrentRecord {
			m.t.Fatalf("%s: %v after %d entries: %s", ix, err, len(want), r.read())
		}
	}
}

// Random changes by several sessions at once, with all kinds of indexes, levels and rollbacks, against a model.
func TestChangesAgainstModel(t *testing.T) {
	rounds := 2500
	if testing.Short() {
		rounds = 500
	}
	for _, sessions := range []int{1, 3} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprint(sessions, " sessions ", seed), func(t *testing.T) {
				m := newModel(t, seed, sessions)
				for range rounds {
					m.step(m.sessions[m.rng.IntN(sessions)])
					if m.rng.IntN(100) == 0 {
						m.want(m.i.cleanUp(), 0)
					}
				}
				for _, ms := range m.sessions {
					for len(ms.levels) > 0 {
						m.rollback(ms.s)
						ms.levels = ms.levels[:len(ms.levels)-1]
					}
					m.check(ms)
				}
				t.Log(m.counts, len(m.committed))
				m.judge()
			})
		}
	}
}
