package backup

import (
	"path"

	"esent/internal/backup/blocks"
	"esent/internal/backup/meter"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// Increments is the number of block increments that the set is made of, 0 for one of WithBlocks that has none.
func (s *Set) Increments() int { return len(s.chain) }

// Assemble makes the copy of a database of a set with block increments, beside its blocks. It takes the copy of the full
// backup for that by a rename: fsys is one that forgets what is done to it (package overlay). Errors: ErrFileNotFound
// when the full backup has no such copy, those of blocks.Apply.
func (s *Set) Assemble(fsys vfs.FS, d SetDatabase, m *meter.Meter) error {
	b := s.blockDatabase(d.Name)
	if b == nil {
		return jet.ErrFileNotFound.Errorf("there are no blocks of %s", d.Stem)
	}
	_, whole, err := blocks.Steps(s.chain, b.Name)
	if err != nil {
		return err
	}
	to := path.Join(s.Dir, b.Name)
	if !whole {
		from := s.full.CopyOf(b.Name)
		if from == "" {
			return jet.ErrFileNotFound.Errorf("%s has no copy of %s", s.full.Dir, b.Name)
		}
		if err := fsys.Rename(from, to); err != nil {
			return err
		}
	}
	return blocks.Apply(fsys, s.chain, b.Name, to, m)
}
