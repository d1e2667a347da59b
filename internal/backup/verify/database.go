package verify

import (
	"errors"
	"path"
	"slices"
	"strings"

	"esent/internal/backup"
	"esent/internal/engine/dbfile"
	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// dbCopy is the copy of a database in the set.
type dbCopy struct {
	*Database
	path  string
	guess int64 // its pages, as far as its size tells
	// fault is what was found wrong when the copies were looked for.
	fault error
	// usable says that a rehearsal can be tried with it.
	usable bool
}

// findCopies lists the copies: those that the set has an empty file for, and others that lie there and are copies by
// their headers. The latter are what a streaming backup delivers; in another set they lack that file.
func (v *run) findCopies() error {
	entries, err := v.env.FS.ReadDir(v.set.Dir)
	if err != nil {
		return err
	}
	for _, d := range v.set.Databases {
		if d.Name == "" {
			v.copies = append(v.copies, &dbCopy{Database: &Database{File: d.Stem}, path: path.Join(v.set.Dir, d.Stem),
				fault: jet.ErrAttachedDatabaseMismatch.Errorf("the copy of %s is missing", d.Stem)})
		}
	}
	for _, e := range entries {
		if e.IsDir || strings.EqualFold(path.Ext(e.Name), ".pat") || v.set.Naming.Names(e.Name) {
			continue
		}
		listed := slices.ContainsFunc(v.set.Databases, func(d backup.SetDatabase) bool { return d.Name == e.Name })
		h, err := dbfile.ReadFileHeader(v.env.FS, path.Join(v.set.Dir, e.Name))
		if !listed && (err != nil || h.FullCur.GenLow == 0) {
			continue // some other file
		}
		c := &dbCopy{Database: &Database{File: e.Name, Bytes: e.Size}, path: path.Join(v.set.Dir, e.Name)}
		if err == nil && page.ValidSize(h.PageSize()) {
			c.PageSize = h.PageSize()
			c.guess = max(e.Size/int64(c.PageSize)-dbfile.HeaderPages-1, 0)
		}
		if !listed && !v.opt.Streamed {
			c.fault = jet.ErrPatchFileMissing.Errorf("there is no %s.pat", strings.TrimSuffix(e.Name, path.Ext(e.Name)))
		}
		v.copies = append(v.copies, c)
	}
	return nil
}

// checkCopies checks all copies.
func (v *run) checkCopies() error {
	if len(v.copies) == 0 {
		v.report.fault("", 0, jet.ErrPatchFileMissing.Errorf("%s holds no database", v.set.Dir), false)
	}
	for _, c := range v.copies {
		v.report.Databases = append(v.report.Databases, c.Database)
		before := v.report.FaultsTotal
		if err := v.checkCopy(c); err != nil {
			return err
		}
		c.OK = v.report.FaultsTotal == before
	}
	return nil
}

func (v *run) checkCopy(c *dbCopy) error {
	if err := v.meter.Enter(phaseVerify, c.path); err != nil {
		return err
	}
	if c.fault != nil {
		v.report.fault(c.File, 0, c.fault, false)
	}
	defer v.crew.bytes.Add(c.Bytes - c.guess*int64(c.PageSize)) // header, shadow and trailer; the meter hears of it later
	if c.Bytes == 0 {
		if c.fault == nil {
			v.report.fault(c.File, 0, jet.ErrDatabaseCorrupted.Errorf("%s is empty", c.path), false)
		}
		return nil
	}
	f, err := backup.OpenCopy(v.env, c.path, true)
	if err != nil {
		v.skip(c, err)
		return nil
	}
	last, err := v.checkFrame(c, f)
	if err != nil {
		v.skip(c, err)
	} else {
		err = v.checkPages(c, f, last)
		if err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return f.Close()
}

// skip notes why the pages of a copy are not looked at.
func (v *run) skip(c *dbCopy, err error) {
	v.report.fault(c.File, 0, err, false)
	v.crew.bytes.Add(c.guess * int64(c.PageSize))
	v.crew.pages.Add(c.guess)
}

// checkFrame looks at everything but the pages, and gives the last of these. The error says why it makes no sense to
// look at them.
func (v *run) checkFrame(c *dbCopy, f *dbfile.File) (last jet.Pgno, err error) {
	h := f.Header()
	if !page.ValidSize(h.PageSize()) {
		return 0, jet.ErrDatabaseCorrupted.Errorf("%s has pages of %d bytes", c.path, h.PageSize())
	}
	if err := errors.Join(h.CheckType(), h.CheckFormat(0)); err != nil {
		return 0, err
	}
	if err := h.Check(); err != nil {
		return 0, jet.ErrDatabaseCorrupted.Errorf("%s: %v", c.path, err)
	}
	if err := v.checkHeaders(c); err != nil {
		return 0, err
	}
	if c.Bytes%int64(c.PageSize) != 0 {
		v.report.fault(c.File, 0, jet.ErrBadBackupDatabaseSize.Errorf("%s has %d bytes, which are no whole pages", c.path, c.Bytes), false)
	}
	if last, err = f.Pages(); err != nil {
		return 0, err
	}
	trailer, err := v.set.CheckCopy(f, nil)
	if err != nil {
		v.report.fault(c.File, 0, err, false)
	}
	c.usable = err == nil
	c.Mark, c.MarkTime = h.FullCur.Mark.String(), moment(h.FullCur.Time)
	c.GenerationLow, c.GenerationHigh = int32(h.FullCur.GenLow), int32(h.FullCur.GenHigh)
	if h.FullCur.GenHigh == 0 && last != jet.PgnoNull {
		last--
	}
	if trailer != jet.PgnoNull {
		return last, v.checkRange(c, f, &h, trailer)
	}
	return last, nil
}

// checkHeaders compares the two copies of the header.
func (v *run) checkHeaders(c *dbCopy) error {
	f, err := v.env.FS.Open(c.path, vfs.ReadOnly)
	if err != nil {
		return err
	}
	_, copies, err := dbfile.ReadHeader(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	switch {
	case !copies.Primary:
		v.report.fault(c.File, 0, jet.ErrReadVerifyFailure.Errorf("%s: the header is damaged, its shadow is not", c.path), true)
	case !copies.Shadow:
		v.report.fault(c.File, 0, jet.ErrReadVerifyFailure.Errorf("%s: the header's shadow is damaged or another", c.path), true)
	}
	return nil
}

// checkRange makes sure that the set has the logs that header and trailer say are required, beside those that the backup
// has copied. The trailer is sound.
func (v *run) checkRange(c *dbCopy, f *dbfile.File, h *dbfile.Header, trailer jet.Pgno) error {
	b := make([]byte, f.PageSize())
	if err := f.ReadRaw(trailer, b); err != nil {
		return err
	}
	t, err := dbfile.DecodeTrailer(b)
	if err != nil {
		return err
	}
	c.GenerationLow, c.GenerationHigh = int32(t.Backup.GenLow), int32(t.Backup.GenHigh)
	low, high := h.GenMinRequired, max(h.GenMaxRequired, h.GenMaxCommitted, t.GenMaxRequired, t.GenMaxCommitted)
	if t.GenMinRequired != 0 {
		low = min(low, t.GenMinRequired)
	}
	switch {
	case low != 0 && low < v.set.GenLow:
		v.report.fault(c.File, 0, jet.ErrStartingRestoreLogTooHigh.Errorf("%s requires logs from generation %d on, the set begins with %d",
			c.path, low, v.set.GenLow), false)
	case high > v.set.GenHigh:
		v.report.fault(c.File, 0, jet.ErrEndingRestoreLogTooLow.Errorf("%s requires logs up to generation %d, the set ends with %d",
			c.path, high, v.set.GenHigh), false)
	}
	return nil
}

// checkPages verifies the pages up to last.
func (v *run) checkPages(c *dbCopy, f *dbfile.File, last jet.Pgno) error {
	room := jet.Pgno(windowBytes / c.PageSize)
	first := jet.Pgno(1)
	return v.crew.all(func() *job {
		if first > last || first == jet.PgnoNull {
			return nil
		}
		w := &window{f: f, first: first, n: int(min(room, last-first+1)), crew: v.crew}
		first += jet.Pgno(w.n)
		return &job{do: w.verify, take: func() error {
			v.takeWindow(c, w)
			return nil
		}}
	})
}

func (v *run) takeWindow(c *dbCopy, w *window) {
	c.Pages += int64(w.n)
	c.Blank += w.blank
	c.Correctable += w.correctable
	c.Bad += int64(len(w.bad))
	for _, b := range w.bad {
		v.report.fault(c.File, b.pgno, b.err, false)
	}
}

// window is a run of pages that one job looks at.
type window struct {
	crew  *crew
	f     *dbfile.File
	first jet.Pgno
	n     int

	blank, correctable int64
	bad                []badPage
}

type badPage struct {
	pgno jet.Pgno
	err  error
}

func (w *window) verify(buf []byte) {
	size := w.f.PageSize()
	buf = buf[:w.n*size]
	unread := w.f.ReadRaw(w.first, buf) != nil
	for i := range w.n {
		pgno, p := w.first+jet.Pgno(i), page.Page(buf[i*size:(i+1)*size:(i+1)*size])
		if unread { // together; perhaps this one can be had
			if err := w.f.ReadRaw(pgno, p); err != nil {
				w.bad = append(w.bad, badPage{pgno, err})
				continue
			}
		}
		switch res, err := p.Verify(pgno, true); {
		case err == jet.ErrPageNotInitialized:
			w.blank++
		case err != nil:
			w.bad = append(w.bad, badPage{pgno, jet.CodeOf(err).Errorf("%s: page %d has a wrong checksum or number", w.f.Path(), pgno)})
		case res.Corrected > 0:
			w.correctable++
		}
	}
	w.crew.bytes.Add(int64(len(buf)))
	w.crew.pages.Add(int64(w.n))
}
