package recovery

import "esent/internal/jet"

// lostPages are pages of one database that are not what the log says they were: blank, cut off, or older.
// While the file may hold changes of generations still to be replayed that can be in order, for a page may have
// been given back and made anew in one of them; then a later record makes it anew in replay too. What is lost
// when the required generations are over was lost by the disk (spec chapter 05, 21.2).
type lostPages struct {
	pages map[jet.Pgno]struct{}
	// pgno and err are the first that was found and is still lost.
	pgno jet.Pgno
	err  error
}

func (l *lostPages) has(pgno jet.Pgno) bool {
	_, ok := l.pages[pgno]
	return ok
}

func (l *lostPages) add(pgno jet.Pgno, err error) {
	if l.pages == nil {
		l.pages = map[jet.Pgno]struct{}{}
	}
	l.pages[pgno] = struct{}{}
	if l.err == nil {
		l.pgno, l.err = pgno, err
	}
}

// found says that a record makes the page anew, or that it is no longer part of the database.
func (l *lostPages) found(pgno jet.Pgno) {
	if len(l.pages) == 0 {
		return
	}
	delete(l.pages, pgno)
	if pgno == l.pgno {
		l.next()
	}
}

// next chooses another page to stand for all that are lost.
func (l *lostPages) next() {
	l.pgno = jet.PgnoNull
	for p := range l.pages {
		if l.pgno == jet.PgnoNull || p < l.pgno {
			l.pgno = p
		}
	}
	if len(l.pages) == 0 {
		l.err = nil
	}
}

// foundIn says that the pages from first to last have no content any more.
func (l *lostPages) foundIn(first, last jet.Pgno) {
	for p := range l.pages {
		if p >= first && p <= last {
			delete(l.pages, p)
		}
	}
	if l.pgno >= first && l.pgno <= last {
		l.next()
	}
}

// first is why the first page is lost, nil when none is.
func (l *lostPages) first() error {
	if len(l.pages) == 0 {
		return nil
	}
	return l.err
}
