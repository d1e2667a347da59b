package check

import (
	"runtime"
	"sync"

	"esent/internal/engine/page"
	"esent/internal/jet"
)

// runBytes is how much is read at once, at most.
const runBytes = 256 << 10

// level holds the pages that were read last on one level of a tree, with what is to be said of each.
type level struct {
	room     int // pages
	buf      []byte
	verdicts []verdict
	// bounds are two separators, used in turn.
	bounds [2][]byte
}

func (l *level) page(i, size int) page.Page {
	return page.Page(l.buf[i*size : (i+1)*size : (i+1)*size])
}

// level gives the buffers of a level.
func (c *checker) level(n int) *level {
	for len(c.levels) <= n {
		room := max(1, runBytes/c.size)
		c.levels = append(c.levels, &level{room: room, buf: make([]byte, room*c.size), verdicts: make([]verdict, room)})
	}
	return c.levels[n]
}

// verdict is what is wrong with a page by itself; kind 0 is nothing.
type verdict struct {
	kind Kind
	text string
	// corrected says that a wrong bit was put right.
	corrected bool
}

// judge looks at the image of a page by itself.
func judge(pgno jet.Pgno, p page.Page) (v verdict) {
	res, err := p.Verify(pgno, true)
	v.corrected = res.Corrected > 0 && err == nil
	switch {
	case err == jet.ErrPageNotInitialized:
		return verdict{kind: KindBlank, text: "the page was never written"}
	case err != nil:
		return verdict{kind: KindChecksum, text: err.Error()}
	}
	if err := p.Check(pgno); err != nil {
		v.kind, v.text = KindStructure, err.Error()
	} else if err := p.CheckOrder(); err != nil {
		v.kind, v.text = KindOrder, err.Error()
	}
	return v
}

// parallelFrom is the number of pages from which a run is judged by two goroutines.
const parallelFrom = 8

// readRun reads n pages into a level and judges them.
func (c *checker) readRun(l *level, first jet.Pgno, n int) {
	c.readRaw(l, first, n)
	c.report.Read += uint64(n)
	c.report.Bytes += uint64(n * c.size)
	part := func(from, to int) {
		for i := from; i < to; i++ {
			if v := &l.verdicts[i]; v.kind == 0 {
				*v = judge(first+jet.Pgno(i), l.page(i, c.size))
			}
		}
	}
	if n < parallelFrom || runtime.GOMAXPROCS(0) == 1 {
		part(0, n)
	} else {
		var wg sync.WaitGroup
		wg.Go(func() { part(n/2, n) })
		part(0, n/2)
		wg.Wait()
	}
	c.progress(n)
}

// readRaw reads n pages, one by one where they cannot be read together.
func (c *checker) readRaw(l *level, first jet.Pgno, n int) {
	clear(l.verdicts[:n])
	if c.file.ReadRaw(first, l.buf[:n*c.size]) == nil {
		return
	}
	for i := range n {
		if err := c.file.ReadRaw(first+jet.Pgno(i), l.page(i, c.size)); err != nil {
			l.verdicts[i] = verdict{kind: KindRead, text: err.Error()}
		}
	}
}

// accept reports what is wrong with a page by itself, and says whether it can be used nevertheless.
func (c *checker) accept(pgno jet.Pgno, p page.Page, v *verdict, t *tree) bool {
	if v.corrected {
		c.report.Corrected++
	}
	if v.kind != 0 {
		c.violate(v.kind, pgno, t, "%s", v.text)
		if v.kind != KindOrder {
			return false
		}
	}
	if c.clean && p.DBTime() > c.header.DBTime {
		c.violate(KindDBTime, pgno, t, "dbtime %d is above the database's %d", p.DBTime(), c.header.DBTime)
	}
	return true
}

func (c *checker) progress(n int) {
	c.done += jet.Pgno(n)
	if c.opt.Progress == nil || c.stop != nil || c.done-c.reported < max(1, c.last/100) {
		return
	}
	c.reported = c.done
	c.stop = c.opt.Progress(min(c.done, c.last), c.last)
}

// pageCache keeps pages that are looked for one by one.
type pageCache struct {
	slots [256]struct {
		pgno jet.Pgno
		p    page.Page // nil for an unusable page
	}
}

// cached gives a page for looking something up, nil when it is unusable. It reports nothing: every page is visited
// by the walk over its tree.
func (c *checker) cached(pgno jet.Pgno) page.Page {
	if pgno == jet.PgnoNull || pgno > c.last {
		return nil
	}
	s := &c.cache.slots[pgno%jet.Pgno(len(c.cache.slots))]
	if s.pgno == pgno {
		return s.p
	}
	p := s.p
	if p == nil {
		p = make(page.Page, c.size)
	}
	s.pgno, s.p = pgno, nil
	if c.file.ReadRaw(pgno, p) != nil {
		return nil
	}
	if v := judge(pgno, p); v.kind != 0 && v.kind != KindOrder {
		return nil
	}
	s.p = p
	return p
}

// seek gives the data of the node with a key in a unique tree, nil when it is not there.
func (c *checker) seek(root jet.Pgno, key []byte) []byte {
	pgno := root
	for range mostLevels {
		p := c.cached(pgno)
		if p == nil {
			return nil
		}
		if p.Has(page.FlagLeaf) {
			i, exact := p.SearchLeaf(key, nil, false)
			if !exact || p.LineFlags(i)&page.NodeDeleted != 0 {
				return nil
			}
			return p.LineData(i)
		}
		pgno = p.Child(min(p.SearchInternal(key, nil), p.Lines()-1))
	}
	return nil
}
