package blocks

import (
	"encoding/binary"

	"esent/internal/engine/page"
	"esent/internal/jet"
)

// A file of blocks has a header of these parts, then runs: number of the first block, number of blocks, both of 32 bits,
// and the blocks. A run of no blocks, whose first is the number of all blocks, ends it.
const (
	dataMagic  = "ESEBLK01"
	dataHeader = len(dataMagic) + 4
	runHeader  = 8
)

// Filter takes the copy of a database from its start to its end, and passes on what differs from the base.
type Filter struct {
	db   *Database
	base Base
	// data and index take what goes to the two files of the database.
	data, index func(p []byte) error
	block       int64
	words       []byte
}

// NewFilter makes a filter for a database of d.PageSize and d.Blocks. It counts d.Changed.
func NewFilter(d *Database, base Base, data, index func(p []byte) error) (*Filter, error) {
	return &Filter{db: d, base: base, data: data, index: index},
		data(binary.LittleEndian.AppendUint32([]byte(dataMagic), uint32(d.PageSize)))
}

// Write takes the next blocks, whole ones.
func (f *Filter) Write(p []byte) error {
	size := f.db.PageSize
	if len(p)%size != 0 || f.block+int64(len(p)/size) > f.db.Blocks {
		return jet.ErrInternalError.Errorf("%d bytes behind block %d of %d", len(p), f.block, f.db.Blocks)
	}
	f.words = f.words[:0]
	begun := -1 // where the run begins in p
	for off := 0; off < len(p); off += size {
		changed, err := f.changed(page.Page(p[off : off+size]))
		if err != nil {
			return err
		}
		switch {
		case changed && begun < 0:
			begun = off
		case !changed && begun >= 0:
			if err := f.run(p[begun:off], f.block-int64((off-begun)/size)); err != nil {
				return err
			}
			begun = -1
		}
		f.block++
	}
	if begun >= 0 {
		if err := f.run(p[begun:], f.block-int64((len(p)-begun)/size)); err != nil {
			return err
		}
	}
	return f.index(f.words)
}

// changed compares the next block with the base. Header and trailer always differ.
func (f *Filter) changed(p page.Page) (bool, error) {
	was, err := f.base.next()
	if err != nil {
		return false, err
	}
	is := unequal
	if f.block >= headerBlocks && f.block < f.db.Blocks-1 {
		is = word(p)
	}
	f.words = le.AppendUint64(f.words, is)
	return is == unequal || is != was, nil
}

func (f *Filter) run(p []byte, first int64) error {
	n := len(p) / f.db.PageSize
	f.db.Changed += int64(n)
	if err := f.data(le.AppendUint32(le.AppendUint32(nil, uint32(first)), uint32(n))); err != nil {
		return err
	}
	return f.data(p)
}

// Close ends what was filtered.
func (f *Filter) Close() error {
	if f.block != f.db.Blocks {
		return jet.ErrInternalError.Errorf("%d blocks of %d", f.block, f.db.Blocks)
	}
	return f.data(le.AppendUint32(le.AppendUint32(nil, uint32(f.block)), 0))
}
