package engine

import (
	"bytes"
	"errors"
	"fmt"
	"path"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// compactMeter tells of the progress of a compaction in pages of the source: those in use are the total.
type compactMeter struct {
	report      Progress // nil when nobody asks
	pageSize    int
	done, total uint32

	// projected is what will be done when the present table is copied, step what a page of it counts for: the pages
	// of a table count as if what it uses were spread over all that it owns.
	projected, step uint32
	bytes           int // copied of the present table, less than a page
}

// compactCatalogPages is how many pages the catalog counts for.
const compactCatalogPages = 20

func (m *compactMeter) tell(snt uint32) error {
	if m.report == nil {
		return nil
	}
	if code := m.report(snt, m.done, m.total); code < 0 {
		return code
	}
	return nil
}

func (m *compactMeter) begin() error { return m.tell(jet.SntBegin) }

// end tells how the compaction ended, and gives its result.
func (m *compactMeter) end(err error) error {
	snt := uint32(jet.SntComplete)
	if err != nil {
		snt = jet.SntFail
	}
	if e := m.tell(snt); err == nil {
		err = e
	}
	return err
}

// measure finds the total.
func (m *compactMeter) measure(c *compaction) error {
	m.pageSize = c.src.pages.PageSize
	owned, err := c.src.size(c.s, dbInfoSpaceOwned)
	if err != nil {
		return err
	}
	free, err := c.src.size(c.s, dbInfoSpaceAvailable)
	if err != nil {
		return err
	}
	m.total = owned - min(free, owned)
	m.done = min(compactCatalogPages, m.total)
	return m.tell(jet.SntProgress)
}

// table begins a table that owns so many pages.
func (m *compactMeter) table(all, unused uint32) {
	m.projected = min(m.done+all, m.total)
	m.step = 1 + unused/max(1, all-min(all, unused))
	m.bytes = 0
}

// copied notes so many bytes of the present table.
func (m *compactMeter) copied(n int) error {
	m.bytes += n
	if m.report == nil || m.bytes < m.pageSize {
		return nil
	}
	pages := uint32(m.bytes / m.pageSize)
	m.bytes %= m.pageSize
	m.done = min(m.done+pages*m.step, m.projected)
	return m.tell(jet.SntProgress)
}

// tableDone ends the table.
func (m *compactMeter) tableDone() error {
	m.done = m.projected
	return m.tell(jet.SntProgress)
}

// compactStats are what JET_bitCompactStats asks for.
type compactStats struct {
	tables []compactTable
}

type compactTable struct {
	name             string
	columns, indexes int
	owned, free      uint32
	records          int
	bytes, longBytes int64
}

// compactStatsFile is where the statistics go, beside the temporary database; each compaction adds to it.
const compactStatsFile = "DFRGINFO.TXT"

func (st *compactStats) write(i *Instance, src, dst *Database) (err error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "Compaction of %s\nTable\tColumns\tIndexes\tPages owned\tPages free\tRecords\tBytes\tLong bytes\n", src.path)
	for _, t := range st.tables {
		fmt.Fprintf(&b, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n", t.name, t.columns, t.indexes, t.owned, t.free, t.records, t.bytes, t.longBytes)
	}
	pages, err := dst.file.Pages()
	if err != nil {
		return err
	}
	fmt.Fprintf(&b, "%s has %d pages\n\n", dst.path, pages)
	f, err := i.openForAppend(path.Join(path.Dir(i.set.tempPath), compactStatsFile))
	if err != nil {
		return err
	}
	size, err := f.Size()
	if err == nil {
		err = f.WriteAt(b.Bytes(), size)
	}
	return errors.Join(err, f.Close())
}

// openForAppend opens a file for writing and makes it when it is not there.
func (i *Instance) openForAppend(name string) (vfs.File, error) {
	f, err := i.env.FS.Open(name, vfs.ReadWrite)
	if jet.CodeOf(err) == jet.ErrFileNotFound {
		return i.env.FS.Open(name, vfs.Create)
	}
	return f, err
}
