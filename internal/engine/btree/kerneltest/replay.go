package kerneltest

import (
	"bytes"
	"fmt"
	"math/rand/v2"

	"esent/internal/engine/btree/ops"
	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// Model is a database made by replaying log records into nothing: redo without files.
type Model struct {
	PageSize int
	Format   ops.Format
	DB       jet.DBID
	Pages    map[jet.Pgno]page.Page

	images map[uint32]ops.Image
	macros map[macroID][]logstore.Record

	touched []jet.Pgno // pages that the last record changed
}

type macroID struct {
	proc jet.ProcID
	now  jet.DBTime
}

// NewModel makes an empty model of database id.
func NewModel(pageSize int, f ops.Format, id jet.DBID) *Model {
	return &Model{PageSize: pageSize, Format: f, DB: id, Pages: map[jet.Pgno]page.Page{},
		images: map[uint32]ops.Image{}, macros: map[macroID][]logstore.Record{}}
}

// use is one page for a record: the dbtimes decide, as in redo.
func (m *Model) use(u ops.Use, now jet.DBTime) (ops.PageEntry, error) {
	p := m.Pages[u.Pgno]
	if p == nil {
		if !u.New {
			return ops.PageEntry{}, fmt.Errorf("page %d does not exist", u.Pgno)
		}
		p = make(page.Page, m.PageSize)
		m.Pages[u.Pgno] = p
	}
	apply, err := ops.Need(now, u.Before, p.DBTime())
	if err != nil {
		return ops.PageEntry{}, fmt.Errorf("page %d: dbtime %d, the record expects %d and has %d: %w", u.Pgno, p.DBTime(), u.Before, now, err)
	}
	if apply {
		m.touched = append(m.touched, u.Pgno)
	}
	return ops.PageEntry{Pgno: u.Pgno, Page: p, Apply: apply}, nil
}

func (m *Model) set(uses []ops.Use, now jet.DBTime) (ops.PageSet, error) {
	var set ops.PageSet
	for _, u := range uses {
		e, err := m.use(u, now)
		if err != nil {
			return nil, err
		}
		set = append(set, e)
	}
	return set, nil
}

// Redo does what a record says. Records of a macro wait for its end.
func (m *Model) Redo(rec logstore.Record) error {
	switch r := rec.(type) {
	case *logstore.Macro:
		id := macroID{r.Proc, r.DBTime}
		switch r.Kind {
		case logstore.RecMacroBegin:
			m.macros[id] = []logstore.Record{}
		case logstore.RecMacroAbort:
			delete(m.macros, id)
		case logstore.RecMacroCommit:
			list := m.macros[id]
			delete(m.macros, id)
			return m.macro(r.DBTime, list)
		}
		return nil
	case logstore.PageRecord:
		if r.Page().DB != m.DB {
			return nil
		}
		id := macroID{r.Page().Proc, r.Page().DBTime}
		if list, open := m.macros[id]; open {
			m.macros[id] = append(list, rec)
			return nil
		}
	}
	switch r := rec.(type) {
	case *logstore.NewPage:
		if r.DB != m.DB {
			return nil
		}
		e, err := m.use(ops.Use{Pgno: r.Pgno, Before: jet.DBTimeNil, New: true}, r.DBTime)
		if err == nil && e.Apply {
			ops.NewPage(e.Page, r)
		}
		return err
	case *logstore.CreateMultipleExtentFDP:
		set, err := m.set(ops.CreateMultipleExtentFDPUses(r), r.DBTime)
		if err != nil {
			return err
		}
		return m.Format.CreateMultipleExtentFDP(set, r)
	case *logstore.CreateSingleExtentFDP:
		e, err := m.use(ops.Use{Pgno: r.Pgno, Before: jet.DBTimeNil, New: true}, r.DBTime)
		if err != nil || !e.Apply {
			return err
		}
		return m.Format.CreateSingleExtentFDP(e.Page, r)
	case *logstore.ConvertFDP:
		set, err := m.set(ops.ConvertFDPUses(r), r.DBTime)
		if err != nil {
			return err
		}
		return m.Format.ConvertFDP(set, r)
	case *logstore.EmptyTree:
		set, err := m.set(ops.EmptyTreeUses(r), r.DBTime)
		if err != nil {
			return err
		}
		return ops.EmptyTree(set, r)
	case *logstore.UndoInfo:
		m.keep(r.RCE, ops.Image{Before: append([]byte(nil), r.Image...)})
		return nil
	case logstore.NodeRecord:
		return m.node(r)
	}
	return nil
}

func (m *Model) keep(rce uint32, i ops.Image) {
	if _, have := m.images[rce]; !have && rce != 0 {
		m.images[rce] = i
	}
}

func (m *Model) before(p page.Page, rce uint32, line int) {
	m.keep(rce, ops.Image{Before: append([]byte(nil), p.LineData(line)...)})
}

func (m *Model) node(rec logstore.NodeRecord) error {
	op := rec.Page()
	if r, ok := rec.(*logstore.Delta); ok {
		m.keep(r.RCE, ops.Image{Delta: r.Value, Offset: r.Offset})
	}
	e, err := m.use(ops.Use{Pgno: op.Pgno, Before: op.DBTimeBefore}, op.DBTime)
	if err != nil || !e.Apply {
		return err
	}
	p := e.Page
	switch r := rec.(type) {
	case *logstore.Insert:
		return ops.Insert(p, r)
	case *logstore.FlagInsert:
		return ops.FlagInsert(p, r)
	case *logstore.FlagInsertAndReplaceData:
		m.before(p, r.RCEReplace, int(r.Line))
		return ops.FlagInsertAndReplaceData(p, r)
	case *logstore.FlagDelete:
		return ops.FlagDelete(p, r)
	case *logstore.Delete:
		return ops.Delete(p, r)
	case *logstore.Replace:
		m.before(p, r.RCE, int(r.Line))
		return ops.Replace(p, r)
	case *logstore.Delta:
		return ops.Delta(p, r)
	case *logstore.SetExternalHeader:
		return ops.SetExternalHeader(p, r)
	case *logstore.Undo:
		return ops.Undo(p, r, m.images[r.RCE])
	case *logstore.Scrub:
		return nil
	}
	return fmt.Errorf("record %s is not known", rec.Type())
}

func (m *Model) macro(now jet.DBTime, list []logstore.Record) error {
	s := ops.SplitGroup{Format: m.Format, DBTime: now}
	g := ops.MergeGroup{DBTime: now}
	for _, rec := range list {
		switch r := rec.(type) {
		case *logstore.Split:
			s.Path = append(s.Path, r)
		case *logstore.Merge:
			g.Path = append(g.Path, r)
		case logstore.NodeRecord:
			s.Leaf = r
		default:
			return fmt.Errorf("record %s in a macro", rec.Type())
		}
	}
	if len(g.Path) > 0 {
		set, err := m.set(g.Uses(), now)
		if err != nil {
			return err
		}
		return g.Apply(set)
	}
	if len(s.Path) == 0 {
		return nil
	}
	set, err := m.set(s.Uses(), now)
	if err != nil {
		return err
	}
	if leaf := s.Path[len(s.Path)-1]; s.Leaf != nil {
		if p := m.Pages[leaf.Pgno]; p.DBTime() < now {
			switch r := s.Leaf.(type) {
			case *logstore.FlagInsertAndReplaceData:
				m.before(p, r.RCEReplace, int(leaf.LineOper))
			case *logstore.Replace:
				m.before(p, r.RCE, int(leaf.LineOper))
			}
		}
	}
	return s.Apply(set)
}

// Replay makes a model of the whole log and compares it with the pages that the database has. Then it replays the
// log several times into files as crashes could have left them: with each page as it was at some moment.
func (k *Kernel) Replay() {
	k.T.Helper()
	log := k.Log.Records()
	records := make([]logstore.Record, len(log))
	for i, b := range log {
		var err error
		if records[i], _, err = logstore.Decode(b); err != nil {
			k.T.Fatal(err)
		}
	}
	rng := rand.New(rand.NewPCG(uint64(len(records)), 1))
	final := k.replay(records, nil, nil)
	for pgno, p := range final.Pages {
		f, err := k.Cache.Lock(k.DB.DB, pgno)
		if err != nil {
			k.T.Fatalf("page %d: %v", pgno, err)
		}
		diff := Compare(p, f.Page())
		f.UnlockUnchanged()
		if diff != "" {
			k.T.Fatalf("page %d: replayed and real differ: %s", pgno, diff)
		}
	}
	for _, often := range []int{1, 3, 30} {
		disk := map[jet.Pgno]page.Page{}
		k.replay(records, nil, func(p jet.Pgno, image page.Page) {
			if rng.IntN(often) == 0 && rng.IntN(8) != 0 {
				disk[p] = append(page.Page(nil), image...)
			}
		})
		again := k.replay(records, disk, nil)
		for pgno, p := range final.Pages {
			if diff := Compare(p, again.Pages[pgno]); diff != "" {
				k.T.Fatalf("page %d: replayed differently after a crash: %s", pgno, diff)
			}
		}
	}
}

// replay redoes the records, beginning with what disk has, and tells of the pages that each of them changed.
func (k *Kernel) replay(records []logstore.Record, disk map[jet.Pgno]page.Page, changed func(jet.Pgno, page.Page)) *Model {
	k.T.Helper()
	m := NewModel(k.DB.PageSize, k.DB.Format, k.DB.ID)
	for pgno, p := range disk {
		m.Pages[pgno] = p
	}
	for i, rec := range records {
		m.touched = m.touched[:0]
		if err := m.Redo(rec); err != nil {
			k.T.Fatalf("record %d of %d, %v: %v", i, len(records), rec, err)
		}
		if changed != nil {
			for _, pgno := range m.touched {
				changed(pgno, m.Pages[pgno])
			}
		}
	}
	return m
}

// flagMask leaves out what belongs to a page's last write.
const flagMask = ^(page.FlushTypeMask | page.FlagScrubbed | page.FlagNewChecksum)

// Compare says in which respect two pages differ that should be equal in content, "" when they do not. Version
// flags of nodes and the place of lines do not count.
func Compare(a, b page.Page) string {
	switch {
	case a.DBTime() != b.DBTime():
		return fmt.Sprintf("dbtime %d and %d", a.DBTime(), b.DBTime())
	case a.Flags()&flagMask != b.Flags()&flagMask:
		return fmt.Sprintf("flags %#x and %#x", a.Flags(), b.Flags())
	case a.ObjID() != b.ObjID():
		return fmt.Sprintf("objid %d and %d", a.ObjID(), b.ObjID())
	case a.Prev() != b.Prev() || a.Next() != b.Next():
		return fmt.Sprintf("links %d %d and %d %d", a.Prev(), a.Next(), b.Prev(), b.Next())
	case !bytes.Equal(a.ExtHeader(), b.ExtHeader()):
		return fmt.Sprintf("external header %x and %x", a.ExtHeader(), b.ExtHeader())
	case a.Lines() != b.Lines():
		return fmt.Sprintf("%d and %d lines", a.Lines(), b.Lines())
	}
	for i := range a.Lines() {
		x, y := a.Line(i), b.Line(i)
		const flags = page.NodeDeleted | page.NodeCompressed
		if !bytes.Equal(x.Prefix, y.Prefix) || !bytes.Equal(x.Suffix, y.Suffix) || !bytes.Equal(x.Data, y.Data) || x.Flags&flags != y.Flags&flags {
			return fmt.Sprintf("line %d: %x|%x=%x flags %d and %x|%x=%x flags %d", i, x.Prefix, x.Suffix, x.Data, x.Flags, y.Prefix, y.Suffix, y.Data, y.Flags)
		}
	}
	return ""
}
