package check

import (
	"errors"
	"fmt"

	"esent/internal/engine/dbfile"
	"esent/internal/engine/page"
	"esent/internal/engine/record"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// Reader is a database file as the check reads it; *dbfile.File is one.
type Reader interface {
	// PageSize is the size of a page in bytes.
	PageSize() int
	// Header is the database's header.
	Header() dbfile.Header
	// Pages is the number of pages that the file has room for, beyond its headers.
	Pages() (jet.Pgno, error)
	// ReadRaw reads len(p)/PageSize pages from first on as they are.
	ReadRaw(first jet.Pgno, p []byte) error
}

// Options limit a check.
type Options struct {
	// PagesOnly looks at each page by itself, whether a tree uses it or not: checksum, structure, order, dbtime. It
	// suits databases that were not closed cleanly, too.
	PagesOnly bool
	// NoIndexes leaves out the comparison of index entries with records.
	NoIndexes bool
	// Limit is how many violations the report lists, 0 for 1000.
	Limit int
	// Progress is called now and then with the number of pages done and that of all; nil for nobody. An error ends
	// the check, which gives it back.
	Progress func(done, total jet.Pgno) error
}

const limitDefault = 1000

// checker is one run.
type checker struct {
	file   Reader
	opt    Options
	size   int // of a page
	header dbfile.Header
	clean  bool
	report *Report
	// last is the last page that the database owns, as far as the file has it.
	last jet.Pgno
	// owner and use have an element for each page: the tree that owns it and the tree that uses it, by number, and
	// what for.
	owner, use []uint32
	purpose    []purpose
	trees      []*tree
	byRoot     map[jet.Pgno]*tree
	byObjID    map[jet.ObjID]*tree
	// done counts pages for Progress; stop is what ended the run.
	done     jet.Pgno
	reported jet.Pgno
	stop     error
	levels   []*level
	cache    pageCache
	plain    []byte // a chunk of a long value

	// What the catalog and the system tables say.
	layout  *record.Schema
	rows    []*row
	tables  []*table
	shadow  map[string][]byte
	objects map[uint32]object
	locales map[string]uint32
}

// Run checks a database. The error is that of Options.Progress, or says why the file cannot be taken for a database:
// what is wrong with the database stands in the report.
func Run(file Reader, opt Options) (*Report, error) {
	if opt.Limit <= 0 {
		opt.Limit = limitDefault
	}
	c := &checker{file: file, opt: opt, size: file.PageSize(), header: file.Header(),
		report: &Report{Kinds: map[Kind]int{}, limit: opt.Limit},
		byRoot: map[jet.Pgno]*tree{}, byObjID: map[jet.ObjID]*tree{}, objects: map[uint32]object{}, locales: map[string]uint32{}}
	if !page.ValidSize(c.size) {
		return nil, jet.ErrPageSizeMismatch.Errorf("pages of %d bytes", c.size)
	}
	if err := c.header.CheckFormat(0); err != nil {
		return nil, err
	}
	c.clean = c.header.State == dbfile.StateClean
	c.checkHeader()
	if err := c.findLast(); err != nil {
		return nil, err
	}
	c.report.Pages = uint64(c.last)
	if opt.PagesOnly {
		c.scan()
		return c.report, c.stop
	}
	c.owner = make([]uint32, c.last+1)
	c.use = make([]uint32, c.last+1)
	c.purpose = make([]purpose, c.last+1)
	c.checkTrees()
	if c.stop != nil {
		return c.report, c.stop
	}
	c.checkOwners()
	return c.report, nil
}

// File checks the database file at path, which nobody may have open for writing, with both copies of its header.
// The error says why the file cannot be opened as a database.
func File(env *vfs.Env, path string, opt Options) (r *Report, err error) {
	f, err := dbfile.Open(env, path, dbfile.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	copies, err := headerCopies(env.FS, path)
	if err != nil {
		return nil, err
	}
	r, err = Run(f, opt)
	if r == nil {
		return r, err
	}
	switch {
	case !copies.Primary:
		r.add(Violation{Kind: KindHeader, Text: "the primary copy is damaged"})
	case !copies.Shadow:
		r.add(Violation{Kind: KindHeader, Text: "the shadow copy is damaged or differs from the primary one"})
	}
	return r, err
}

func headerCopies(fsys vfs.FS, path string) (c dbfile.Copies, err error) {
	f, err := fsys.Open(path, vfs.ReadOnly)
	if err != nil {
		return c, err
	}
	_, c, err = dbfile.ReadHeader(f)
	return c, errors.Join(err, f.Close())
}

func (c *checker) violate(k Kind, pgno jet.Pgno, t *tree, format string, args ...any) {
	name := ""
	if t != nil {
		name = t.report.Name
	}
	c.report.add(Violation{Kind: k, Pgno: pgno, Tree: name, Text: fmt.Sprintf(format, args...)})
}

func (c *checker) checkHeader() {
	h := &c.header
	if !c.clean && !c.opt.PagesOnly {
		c.violate(KindNotClean, 0, nil, "the database is in the state %v", h.State)
	}
	for _, err := range []error{h.CheckType(), h.CheckVersion()} {
		if err != nil {
			c.violate(KindHeader, 0, nil, "%v", err)
		}
	}
	switch {
	case h.GenMinRequired > h.GenMaxRequired, h.GenMaxRequired > h.GenMaxCommitted:
		c.violate(KindHeader, 0, nil, "the range of required logs, %d to %d of %d, is none", h.GenMinRequired, h.GenMaxRequired, h.GenMaxCommitted)
	case c.clean && (h.GenMinRequired != 0 || h.GenMaxRequired != 0):
		c.violate(KindHeader, 0, nil, "a clean database requires the logs %d to %d", h.GenMinRequired, h.GenMaxRequired)
	case h.State > dbfile.StateJustCreated && (h.DBTime == 0 || h.ObjIDLast == 0):
		c.violate(KindHeader, 0, nil, "last dbtime %d, last object id %d", h.DBTime, h.ObjIDLast)
	}
}

// scan looks at every page by itself.
func (c *checker) scan() {
	l := c.level(0)
	for first := jet.Pgno(1); first <= c.last && c.stop == nil; first += jet.Pgno(l.room) {
		n := min(l.room, int(c.last-first+1))
		c.readRun(l, first, n)
		for i := range n {
			if l.verdicts[i].kind == KindBlank {
				c.report.Blank++
				continue
			}
			c.accept(first+jet.Pgno(i), l.page(i, c.size), &l.verdicts[i], nil)
		}
	}
}
