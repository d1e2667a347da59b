package check_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"esent/internal/engine/check"
	"esent/internal/engine/dbfile"
	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/testdata"
)

// image is a database file in memory, to be damaged.
type image struct {
	t      testing.TB
	b      []byte
	header dbfile.Header
	roots  map[string]jet.Pgno
}

var originals sync.Map // set → *image

// open gives a copy of a data set's database.
func open(t testing.TB, set string) *image {
	t.Helper()
	v, ok := originals.Load(set)
	if !ok {
		b, err := os.ReadFile(filepath.Join(testdata.Set(t, set, "*.edb"), "files", "db.edb"))
		if err != nil {
			t.Fatal(err)
		}
		m := &image{t: t, b: b, roots: map[string]jet.Pgno{}}
		m.header = dbfile.DecodeHeader(b[:4096])
		m.header = dbfile.DecodeHeader(b[:m.header.PageSize()])
		r := m.check(check.Options{})
		if r.Total != 0 {
			t.Fatal(r.Violations)
		}
		for _, tree := range r.Trees {
			m.roots[tree.Name] = tree.Root
		}
		originals.Store(set, m)
		v = m
	}
	m := *v.(*image)
	m.t = t
	m.b = append([]byte(nil), m.b...)
	return &m
}

func (m *image) check(opt check.Options) *check.Report {
	m.t.Helper()
	r, err := check.Run(m, opt)
	if err != nil {
		m.t.Fatal(err)
	}
	return r
}

func (m *image) PageSize() int         { return m.header.PageSize() }
func (m *image) Header() dbfile.Header { return m.header }
func (m *image) Pages() (jet.Pgno, error) {
	return jet.Pgno(len(m.b)/m.PageSize() - dbfile.HeaderPages), nil
}

func (m *image) ReadRaw(first jet.Pgno, p []byte) error {
	off := (int(first) + 1) * m.PageSize()
	if off+len(p) > len(m.b) {
		return jet.ErrFileIOBeyondEOF
	}
	copy(p, m.b[off:])
	return nil
}

// page is a page of the image itself.
func (m *image) page(pgno jet.Pgno) page.Page {
	return page.Page(m.b[(int(pgno)+1)*m.PageSize():][:m.PageSize()])
}

func (m *image) root(tree string) jet.Pgno {
	m.t.Helper()
	root := m.roots[tree]
	if root == 0 {
		m.t.Fatalf("no tree %q", tree)
	}
	return root
}

// change changes a page and seals it.
func (m *image) change(pgno jet.Pgno, f func(p page.Page) error) {
	m.t.Helper()
	p := m.page(pgno)
	if err := f(p); err != nil {
		m.t.Fatalf("page %d: %v", pgno, err)
	}
	p.Seal(pgno, p.FlushType())
}

// leaves are the leaves of a tree in order, parents the pages above them.
func (m *image) leaves(tree string) (leaves, parents []jet.Pgno) {
	return m.leavesOf(m.root(tree))
}

func (m *image) leavesOf(root jet.Pgno) (leaves, parents []jet.Pgno) {
	var visit func(pgno jet.Pgno)
	visit = func(pgno jet.Pgno) {
		p := m.page(pgno)
		if p.Has(page.FlagLeaf) {
			leaves = append(leaves, pgno)
			return
		}
		if p.Has(page.FlagParentOfLeaf) {
			parents = append(parents, pgno)
		}
		for i := range p.Lines() {
			visit(p.Child(i))
		}
	}
	visit(root)
	return leaves, parents
}

// find gives the place of the first node of a tree that f accepts.
func (m *image) find(tree string, f func(n page.Node) bool) (jet.Pgno, int) {
	m.t.Helper()
	leaves, _ := m.leaves(tree)
	for _, pgno := range leaves {
		p := m.page(pgno)
		for i := range p.Lines() {
			if n := p.Line(i); n.Flags&page.NodeDeleted == 0 && f(n) {
				return pgno, i
			}
		}
	}
	m.t.Fatalf("no such node in %q", tree)
	return 0, 0
}

// data changes the data of the first node of a tree that f accepts.
func (m *image) data(tree string, f func(n page.Node) bool, edit func(d []byte) []byte) {
	m.t.Helper()
	pgno, i := m.find(tree, f)
	m.change(pgno, func(p page.Page) error {
		d := edit(append([]byte(nil), p.LineData(i)...))
		return p.ReplaceData(i, d)
	})
}

// remove takes out the first node of a tree that f accepts.
func (m *image) remove(tree string, f func(n page.Node) bool) {
	m.t.Helper()
	pgno, i := m.find(tree, f)
	m.change(pgno, func(p page.Page) error { return p.DeleteLine(i) })
}

func anyNode(page.Node) bool { return true }
