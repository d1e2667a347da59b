package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"path"

	"esent/internal/backup/blocks"
	"esent/internal/eventlog"
	"esent/internal/jet"
)

// blockSink is a block increment in the directory of a set: the copies of a full backup, of which only the blocks are
// written that differ from the backup before, with the logs that they need. It is built in temp, and takes its name
// among the increments when all of it is durable: what is there under that name is complete.
type blockSink struct {
	target
	set   string // the directory of the full backup
	chain []*blocks.Increment
	next  blocks.Increment
	// copies are the paths of what the full backup has, by the names of the databases.
	copies map[string]string
}

// prepare finds the set and makes room for what is built.
func (s *blockSink) prepare(bool) error {
	t := &s.target
	if err := t.findRoot(false); err != nil {
		return err
	}
	if err := t.removeDir(t.in(tempDir)); err != nil {
		return err
	}
	find := t.findPlainSet
	if t.atomic {
		find = t.findAtomicSet
	}
	if err := find(); err != nil {
		return err
	}
	s.set = t.dir
	t.dir = t.in(tempDir)
	if err := t.fs.Mkdir(t.dir); err != nil {
		return jet.ErrMakeBackupDirectoryFail.Errorf("%v", err)
	}
	t.hasTemp = true
	return nil
}

// accept finds the backup before, and makes sure that the databases were last backed up by it: only then what differs
// from it is all that has changed.
func (s *blockSink) accept(j *job, databases []Database) error {
	set, err := setIn(s.fs, s.set, j.naming)
	if err != nil {
		return err
	}
	if len(set.Databases) == 0 {
		return jet.ErrMissingFullBackup.Errorf("%s holds no full backup", s.set)
	}
	if s.chain, err = blocks.Chain(s.fs, s.set); err != nil {
		return err
	}
	s.next.Number = len(s.chain) + 1
	s.copies = map[string]string{}
	for _, d := range databases {
		b, err := s.describe(j, set, d)
		if err != nil {
			return err
		}
		s.next.Databases = append(s.next.Databases, b)
	}
	return nil
}

// describe says what the copy of a database will differ from.
func (s *blockSink) describe(j *job, set *Set, d Database) (blocks.Database, error) {
	b := blocks.Database{Name: path.Base(d.Path()), PageSize: d.File().PageSize(), From: blocks.FromNothing, Mark: blocks.Mark{Pos: j.mark, Time: j.markTime}}
	if len(s.chain) > 0 {
		last := s.chain[len(s.chain)-1]
		if before := last.Database(b.Name); before != nil {
			b.From, b.Base = last.Number, before.Mark
		}
	} else if file := set.CopyOf(b.Name); file != "" {
		f, err := OpenCopy(j.e.Env(), file, true)
		if err != nil {
			return b, err
		}
		b.From, b.Base = blocks.FromFull, blocks.MarkOf(f.Header().FullCur)
		s.copies[b.Name] = file
		if err := f.Close(); err != nil {
			return b, err
		}
	}
	if b.From == blocks.FromNothing {
		return b, nil
	}
	if h := d.File().Header(); h.FullPrev.GenLow == 0 || h.FullPrevType != kindNormal || blocks.MarkOf(h.FullPrev) != b.Base {
		j.report(eventlog.DatabaseMissFullBackup, d.Path())
		return b, jet.ErrMissingFullBackup.Errorf("the last full backup of %s is not that in %s", d.Path(), s.set)
	}
	return b, nil
}

// create makes the files of a database's blocks, or a file as it is.
func (s *blockSink) create(name string, size int64) (setFile, error) {
	d := s.next.Database(name)
	if d == nil || d.Name != name {
		return s.plain(name, size)
	}
	d.Blocks = size / int64(d.PageSize)
	base, err := s.base(d)
	if err != nil {
		return nil, err
	}
	f := &blockFile{base: base}
	if f.data, err = s.plain(name+blocks.DataExt, 0); err == nil {
		f.index, err = s.plain(name+blocks.IndexExt, 0)
	}
	if err == nil {
		f.filter, err = blocks.NewFilter(d, base, f.data.write, f.index.write)
	}
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

// base opens the words of what a database is compared with.
func (s *blockSink) base(d *blocks.Database) (blocks.Base, error) {
	switch d.From {
	case blocks.FromNothing:
		return blocks.Nothing{}, nil
	case blocks.FromFull:
		return blocks.OpenFull(s.fs, s.copies[d.Name], d.PageSize)
	}
	inc := s.chain[d.From-1]
	return blocks.OpenIndex(s.fs, inc, inc.Database(d.Name))
}

func (s *blockSink) createLog(name string, size int64) (setFile, error) { return s.plain(name, size) }

// plain makes a file that the manifest will list.
func (s *blockSink) plain(name string, size int64) (*summedFile, error) {
	f, err := s.createFile(name)
	if err != nil {
		return nil, err
	}
	o := &output{sched: s.sched, file: f, size: size, during: s.during, allocated: size == 0}
	return &summedFile{output: o, name: name, sum: sha256.New(), list: &s.next.Files}, nil
}

// promote makes what was built the last increment of the chain, durably.
func (s *blockSink) promote() error {
	text, err := s.next.Manifest()
	if err != nil {
		return err
	}
	f, err := s.createFile(blocks.ManifestName)
	if err != nil {
		return err
	}
	o := &output{sched: s.sched, file: f, size: int64(len(text))}
	if err := o.write(text); err != nil {
		return errors.Join(err, o.close())
	}
	if err := o.finish(); err != nil {
		return err
	}
	for _, dir := range []string{s.dir, s.root} {
		if err := s.fs.SyncDir(dir); err != nil {
			return err
		}
	}
	place := path.Join(s.set, blocks.DirName(s.next.Number))
	if err := s.fs.Rename(s.dir, place); err != nil {
		return err
	}
	for _, dir := range []string{s.set, s.root} {
		if err := s.fs.SyncDir(dir); err != nil {
			return errors.Join(err, s.fs.Rename(place, s.dir))
		}
	}
	s.hasTemp = false
	return nil
}

func (s *blockSink) finish() {}

// blockFile is a database of which the blocks are written that have changed.
type blockFile struct {
	base        blocks.Base
	filter      *blocks.Filter
	data, index *summedFile
}

func (f *blockFile) write(p []byte) error { return f.filter.Write(p) }

func (f *blockFile) finish() error {
	if err := f.filter.Close(); err != nil {
		return errors.Join(err, f.close())
	}
	return errors.Join(f.data.finish(), f.index.finish(), f.base.Close())
}

func (f *blockFile) close() error {
	err := f.base.Close()
	for _, o := range []*summedFile{f.data, f.index} {
		if o != nil {
			err = errors.Join(err, o.close())
		}
	}
	return err
}

// summedFile is a file with its checksum.
type summedFile struct {
	*output
	name string
	sum  hash.Hash
	list *[]blocks.File
}

func (f *summedFile) write(p []byte) error {
	f.sum.Write(p)
	return f.output.write(p)
}

func (f *summedFile) finish() error {
	if err := f.output.finish(); err != nil {
		return err
	}
	*f.list = append(*f.list, blocks.File{Name: f.name, Size: f.off, SHA256: hex.EncodeToString(f.sum.Sum(nil))})
	return nil
}
