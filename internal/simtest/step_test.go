package simtest

import (
	"time"

	"esent/internal/jet"
)

// step is one call of a session, or some of them, or a moment of background work.
func (w *world) step() {
	if w.rng.IntN(6) == 0 {
		w.background()
	}
	s := w.ses[w.rng.IntN(len(w.ses))]
	switch n := w.rng.IntN(100); {
	case n < 12:
		if s.level == 0 || w.rng.IntN(4) == 0 {
			s.begin()
			return
		}
		s.commit()
	case n < 19:
		s.commit()
	case n < 22:
		s.rollback(w.rng.IntN(4) == 0)
	case n < 23:
		s.flush()
	case n < 26:
		w.define(s)
	case n < 27:
		w.backup()
	case n < 28:
		if w.rng.IntN(2) == 0 {
			w.databaseWork()
		} else if s.level == 0 {
			w.idle(s)
		}
	case n < 33:
		if len(s.curs) < 6 {
			s.open()
		}
	case n < 34:
		if len(s.curs) > 0 {
			s.curs[w.rng.IntN(len(s.curs))].close()
		}
	default:
		if len(s.curs) == 0 {
			s.open()
			return
		}
		w.use(s.curs[w.rng.IntN(len(s.curs))])
	}
}

// use makes some call on a cursor.
func (w *world) use(c *cursor) {
	switch n := w.rng.IntN(100); {
	case n < 25:
		for range 1 + w.rng.IntN(3) {
			c.insert()
		}
	case n < 28:
		if c.s.level > 0 {
			for range 10 + w.rng.IntN(40) {
				c.insert()
			}
		}
	case n < 42:
		c.somewhere()
		c.replace()
	case n < 50:
		c.somewhere()
		c.remove()
	case n < 52:
		c.edge(false)
		for range 5 + w.rng.IntN(40) {
			if c.at == on {
				c.remove()
				c.move(1)
			}
		}
	case n < 56:
		c.somewhere()
		c.escrow()
	case n < 58:
		c.somewhere()
		c.lock()
	case n < 61:
		c.somewhere()
		c.insertCopy()
	case n < 72:
		c.position()
	case n < 80:
		c.move([]int{1, 1, 1, -1, -1, 2, -3, 7}[w.rng.IntN(8)])
	case n < 82:
		c.stay()
	case n < 94:
		c.somewhere()
		c.read()
	default:
		c.scan(w.rng.IntN(3) == 0)
	}
}

// somewhere puts the cursor somewhere else, or leaves it.
func (c *cursor) somewhere() {
	if c.s.w.rng.IntN(3) > 0 {
		c.position()
	}
}

// define changes the schema.
func (w *world) define(s *session) {
	n := w.rng.IntN(10)
	switch {
	case n == 0 && len(w.m.tables) < 6, len(w.m.tables) == 0:
		w.createTable(s)
	case n == 1 && len(w.m.tables) > 1:
		w.deleteTable(s)
	case n < 2 || len(s.curs) == 0:
	default:
		c := s.curs[w.rng.IntN(len(s.curs))]
		switch {
		case n < 4:
			c.addColumn()
		case n < 6:
			c.deleteColumn()
		case n < 8:
			c.createIndex()
		default:
			c.deleteIndex()
		}
	}
}

// background lets background work go on.
func (w *world) background() {
	switch w.rng.IntN(4) {
	case 0:
		w.sim.Advance(time.Duration(w.rng.IntN(60000)) * time.Millisecond)
	case 1:
		w.sim.RunAll()
	default:
		w.sim.Step()
	}
	if w.sim.PowerIsOff() {
		panic(powerCut{})
	}
}

func (w *world) idle(s *session) {
	var warn jet.Err
	w.run(call{what: "idle", ses: s, want: []jet.Err{0}, do: func() (err error) {
		warn, err = s.s.Idle(0, 0)
		return err
	}})
	if warn != jet.WrnNoIdleActivity {
		w.fail("JetIdle gives %d", warn)
	}
}
