package backup

import (
	"path"
	"strings"

	"esent/internal/backup/blocks"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// WithBlocks gives the set as its last block increment has it, or the set itself if it has none. The logs are those of
// that increment, and the file of a database is that of its blocks: ApplyBlocks makes the copy. ErrInvalidBackup for a
// chain of increments with a hole, or an unsound one.
func (s *Set) WithBlocks(fsys vfs.FS) (*Set, error) {
	chain, err := blocks.Chain(fsys, s.Dir)
	if err != nil || len(chain) == 0 {
		return s, err
	}
	last := chain[len(chain)-1]
	n, err := setIn(fsys, last.Dir, s.Naming)
	if err != nil {
		return nil, err
	}
	if len(n.Logs.Archives) == 0 {
		return nil, jet.ErrFileNotFound.Errorf("there are no logs in %s", last.Dir)
	}
	n.full, n.chain = s, chain
	for i := range n.Databases {
		d := &n.Databases[i]
		d.Name = ""
		for _, b := range last.Databases {
			if strings.EqualFold(stem(b.Name), d.Stem) {
				d.Name = b.Name + blocks.DataExt
			}
		}
	}
	return n, nil
}

// blocksOf is the path of a database's blocks in the last increment, empty if it has none.
func (s *Set) blocksOf(name string) string {
	last := s.chain[len(s.chain)-1]
	if d := last.Database(name); d != nil {
		return path.Join(last.Dir, d.Name+blocks.DataExt)
	}
	return ""
}

// blockDatabase is the database whose blocks are in a file that blocksOf has given.
func (s *Set) blockDatabase(file string) *blocks.Database {
	last := s.chain[len(s.chain)-1]
	return last.Database(strings.TrimSuffix(path.Base(file), blocks.DataExt))
}

// bringBlocks makes the copy of a database out of that of the full backup and the block increments.
func (c *restoredFile) bringBlocks() error {
	s, fsys := c.r.set, c.r.Env.FS
	d := s.blockDatabase(c.from)
	_, whole, err := blocks.Steps(s.chain, d.Name)
	if err != nil {
		return err
	}
	if !whole {
		full := *c
		if full.from = s.full.CopyOf(d.Name); full.from == "" {
			return jet.ErrFileNotFound.Errorf("%s has no copy of %s", s.full.Dir, d.Name)
		}
		if err := full.copy(); err != nil {
			return err
		}
	}
	if err := blocks.Apply(fsys, s.chain, d.Name, c.to, c.r.meter); err != nil {
		return err
	}
	if err := fsys.SyncDir(path.Dir(c.to)); err != nil {
		return err
	}
	made := *c
	made.from = c.to
	return made.check()
}

// examineBlocks makes sure that the blocks of a database are as they were written, and counts what they become.
func (x *extended) examineBlocks(r *restore, file string) error {
	s := r.set
	d := s.blockDatabase(file)
	if err := blocks.Check(r.Env.FS, s.chain, d.Name, r.meter); err != nil {
		return err
	}
	size := d.Blocks * int64(d.PageSize)
	r.meter.Expect(size, d.Blocks)
	x.report.BytesNeeded += size
	n := reportDatabase{From: file, Bytes: size, Pages: d.Blocks - copyOverhead}
	if r.dest != "" {
		n.To = path.Join(r.dest, d.Name)
	}
	x.report.Databases = append(x.report.Databases, n)
	_, whole, err := blocks.Steps(s.chain, d.Name)
	if err == nil && !whole {
		if base := s.full.CopyOf(d.Name); base == "" {
			err = jet.ErrFileNotFound.Errorf("%s has no copy of %s", s.full.Dir, d.Name)
		}
	}
	return err
}
