package simtest

import (
	"slices"

	"esent/internal/jet"
)

// databaseWork makes a database, or detaches one and attaches it again, outside of all transactions.
func (w *world) databaseWork() {
	if w.backups.running {
		return
	}
	n := w.rng.IntN(w.made)
	if w.made < w.set.databases && w.rng.IntN(4) > 0 {
		w.endTransactions()
		w.makeDatabase()
		return
	}
	s := w.ses[w.rng.IntN(len(w.ses))]
	if path := w.paths()[n]; w.rng.IntN(4) == 0 {
		want := jet.ErrDatabaseInUse
		if s.level > 0 {
			want = jet.ErrInTransaction
		}
		w.run(call{what: "detach in use, " + path, ses: s, want: []jet.Err{want},
			do: func() error { return s.s.DetachDatabase(0, path, 0) }})
		return
	}
	w.endTransactions()
	w.reattach(s, n)
}

// endTransactions ends all transactions.
func (w *world) endTransactions() {
	for _, s := range w.ses {
		for s.level > 0 {
			if w.rng.IntN(2) == 0 {
				s.commit()
			} else {
				s.rollback(false)
			}
		}
	}
}

// reattach detaches a database and attaches it again.
func (w *world) reattach(s *session, n int) {
	path := w.paths()[n]
	for _, o := range w.ses {
		for _, c := range slices.Clone(o.curs) {
			if c.t.db == n {
				c.close()
			}
		}
	}
	w.loose = true
	for _, o := range w.ses {
		w.cut(o.s.CloseDatabase(0, w.dbs[n]), "JetCloseDatabase "+path)
	}
	w.note("detach %s", path)
	w.cut(s.s.DetachDatabase(0, path, 0), "JetDetachDatabase "+path)
	w.m.durable = w.m.commits
	w.tally["detached"]++
	if w.fault == nil && w.damage == nil && !w.armed && w.rng.IntN(2) == 0 {
		w.check(path)
	}
	w.background()
	for i, o := range w.ses {
		w.dbs[n] = w.openDatabase(o.s, path, i == 0, false)
	}
	w.loose = false
}

// makeDatabase makes the next database.
func (w *world) makeDatabase() {
	set := w.backups.dir // without it
	w.backups = backups{serial: w.backups.serial}
	w.clear(set)
	path := databases[w.made]
	w.loose = true
	w.note("create %s", path)
	id := w.openDatabase(w.ses[0].s, path, true, true)
	w.made++
	w.tally["created databases"]++
	w.dbs = append(w.dbs, id)
	for _, o := range w.ses[1:] {
		w.openDatabase(o.s, path, false, false)
	}
	w.loose = false
}

// findMade finds out whether a database was made whose making was cut off: it is there whole, or can be made again.
func (w *world) findMade() {
	if !w.loose || w.made == w.set.databases {
		return
	}
	path := databases[w.made]
	_, err := w.ses[0].s.AttachDatabase(0, path, 0, 0)
	w.note("is there %s? %v", path, err)
	w.met(err, "JetAttachDatabase "+path, nil, 0, jet.ErrFileNotFound, jet.ErrDatabaseCorrupted, jet.ErrReadVerifyFailure)
	if err == nil {
		w.made++
		return
	}
	if _, err := w.sim.ReadFile(path); err == nil {
		w.cut(w.sim.Env().FS.Remove(path), "remove "+path)
	}
}
