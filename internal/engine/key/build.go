package key

import "esent/internal/jet"

// Builder makes one key from the values of its segments, in order (spec chapter 04, 7.8):
//
//	b.Reset(ix)
//	for each segment { err := b.Add(value) }
//	key, status := b.Key(), b.Status()
//
// An index with a key limit other than 255 looks at a growing part of long values: where NeedMore says so after the
// last segment, the caller calls Again and adds all segments anew, with values of up to SourceMost bytes. A caller
// that always adds whole values does the same, without reading more.
type Builder struct {
	ix         *Index
	n          int // bytes of the key
	seg        int // segments added
	sourceMost int
	truncated  bool
	needMore   bool
	anyData    bool
	nullFirst  bool
	nullSeg    bool
	buf        [KeyMostMax]byte
}

// Reset begins a key of ix.
func (b *Builder) Reset(ix *Index) {
	b.ix = ix
	b.sourceMost = ix.KeyMost
	b.restart()
}

// Again begins the same key anew with twice as much of each value.
func (b *Builder) Again() {
	b.sourceMost *= 2
	b.restart()
}

func (b *Builder) restart() {
	b.n, b.seg = 0, 0
	b.truncated, b.needMore, b.anyData, b.nullFirst, b.nullSeg = false, false, false, false, false
}

// SourceMost is how many bytes of a value the key is made of at most: no need to read more of a long value.
func (b *Builder) SourceMost() int { return b.sourceMost }

// NeedMore says that a longer part of some value could still change the key.
func (b *Builder) NeedMore() bool { return b.needMore }

// Add appends the next segment. Errors: jet.ErrKeyTruncated in an index that forbids truncation,
// jet.ErrInvalidBufferSize for a value of wrong size, those of Collation for text; jet.ErrKeyIsMade when the key
// has all its segments. After an error the key is unusable.
func (b *Builder) Add(v Value) error {
	if b.seg >= len(b.ix.Segments) {
		return jet.ErrKeyIsMade
	}
	seg := &b.ix.Segments[b.seg]
	if v.Null {
		b.nullFirst = b.nullFirst || b.seg == 0
		b.nullSeg = true
	} else {
		b.anyData = true
	}
	b.seg++

	space := min(b.ix.KeyMost, len(b.buf)) - b.n
	if space <= 0 {
		b.truncated = true
		return b.checkTruncation()
	}
	if b.truncated {
		return nil
	}
	if len(v.Data) > b.sourceMost && (seg.isText() || seg.isBinary()) {
		v.Data = v.Data[:b.sourceMost]
	}
	c, err := normalise(b.buf[b.n:b.n+space], b.ix, seg, v)
	if err != nil {
		return err
	}
	b.n += c.n
	if c.truncated {
		b.truncated = true
		return b.checkTruncation()
	}
	if len(v.Data) == b.sourceMost && b.ix.KeyMost != KeyMostDefault && c.n < space && c.n != b.ix.varSegMac() {
		b.needMore = true
	}
	return nil
}

func (b *Builder) checkTruncation() error {
	if b.ix.Flags.Has(FlagDisallowTruncation) {
		return jet.ErrKeyTruncated
	}
	return nil
}

// Key is the key so far. It lies in the builder and is overwritten by the next key.
func (b *Builder) Key() []byte { return b.buf[:b.n] }

// Truncated says that key space ended before the segments did.
func (b *Builder) Truncated() bool { return b.truncated }

// Status tells which segments added were NULL.
func (b *Builder) Status() Status {
	switch {
	case !b.nullSeg:
		return StatusNone
	case !b.anyData:
		return StatusNullKey
	case b.nullFirst:
		return StatusNullFirstSeg
	}
	return StatusNullSeg
}
