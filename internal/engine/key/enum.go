package key

// Source gives the column values of one record in terms of an index's segments.
type Source interface {
	// Segment gives instance itag (from 1) of segment seg's column from byte offset on, up to most bytes of it;
	// more is allowed. Instance 1 of a column without a value is its default. An instance that does not exist is
	// NULL; an offset at or behind the end gives an empty value that is not NULL. The data must stay valid until
	// the next call.
	Segment(seg int, itag uint32, offset, most int) (Value, error)
}

// Enumerator gives all keys of one record in one index: one for an ordinary index, one for each combination of
// values of multi-valued columns, one for each substring in a tuple index (spec chapter 04, 8.2, 8.4 and 8.5).
// Conditional columns are tested before (ConditionHolds). The same key may come twice: Set takes out doubles.
//
//	for e.Reset(ix, src); ; {
//		key, err := e.Next()
//		if key == nil || err != nil { break }
//	}
type Enumerator struct {
	ix      *Index
	src     Source
	itag    [SegmentsMax]uint32
	given   [SegmentsMax]uint32 // itag of the last key
	isMulti [SegmentsMax]bool   // segments whose values are enumerated
	last    int                 // the last of them, -1 when there is none
	tuple   uint32              // number of the next substring
	done    bool
	status  Status
	b       Builder
}

// Reset begins the keys of a new record.
func (e *Enumerator) Reset(ix *Index, src Source) {
	e.ix, e.src = ix, src
	e.last, e.tuple, e.done = -1, 0, false
	for i := range e.itag {
		e.itag[i], e.isMulti[i] = 1, false
	}
	if !ix.Flags.Has(FlagMultivalued) {
		return
	}
	for i := range ix.Segments {
		if !ix.Segments[i].MultiValued {
			continue
		}
		e.isMulti[i], e.last = true, i
		if ix.Flags&(FlagCrossProduct|FlagNestedTable) == 0 {
			break
		}
	}
}

// Next gives the next key that is an entry of the index, nil when there are no more. It lies in the enumerator and
// is overwritten by the next call. Errors: jet.ErrNullKeyDisallowed, those of Builder.Add and of the source; after
// one there are no more keys.
func (e *Enumerator) Next() ([]byte, error) {
	for !e.done {
		st, seg, err := e.build()
		if err != nil {
			e.done = true
			return nil, err
		}
		switch st {
		case outOfValues:
			e.rollOver(seg)
			continue
		case outOfTuples:
			e.endOfTuples()
			continue
		}
		e.status = e.b.Status()
		entry, err := Allowed(e.status, e.ix.Flags)
		if err != nil || !entry {
			e.done = true
			return nil, err
		}
		e.given = e.itag
		e.advance()
		if e.status == StatusNullKey {
			e.done = true
		}
		return e.b.Key(), nil
	}
	return nil, nil
}

// Status tells which segments of the last key were NULL.
func (e *Enumerator) Status() Status { return e.status }

// Itag is the number of the value of segment seg that the last key has.
func (e *Enumerator) Itag(seg int) uint32 { return e.given[seg] }

// Truncated says that the last key was cut for lack of key space.
func (e *Enumerator) Truncated() bool { return e.b.Truncated() }

type built uint8

const (
	builtKey    built = iota
	outOfValues       // the value of an enumerated segment beyond its first is NULL
	outOfTuples       // the first segment has no such substring
)

// build makes the key of the current instances and substring. With outOfValues it tells the segment.
func (e *Enumerator) build() (built, int, error) {
	e.b.Reset(e.ix)
	for {
		st, seg, err := e.buildOnce()
		if st != builtKey || err != nil || !e.b.NeedMore() {
			return st, seg, err
		}
		e.b.Again()
	}
}

func (e *Enumerator) buildOnce() (built, int, error) {
	nested := e.ix.Flags.Has(FlagNestedTable)
	exhausted := nested && e.last >= 0
	for i := range e.ix.Segments {
		tuple := i == 0 && e.ix.Tuple != nil
		offset, most := 0, e.b.SourceMost()
		var least int
		if tuple {
			t := e.ix.Tuple
			offset = (int(t.Start) + int(e.tuple)*int(t.Increment)) * e.ix.Segments[0].charSize()
			var longest int
			least, longest = t.bytes(&e.ix.Segments[0])
			most = min(most, longest)
		}
		v, err := e.src.Segment(i, e.itag[i], offset, most)
		if err != nil {
			return builtKey, 0, err
		}
		if v.Null && e.itag[i] > 1 && (!nested || tuple) {
			return outOfValues, i, nil
		}
		if e.isMulti[i] && !(v.Null && e.itag[i] > 1) {
			exhausted = false
		}
		if tuple {
			if len(v.Data) > most {
				v.Data = v.Data[:most]
			}
			if v.Null || len(v.Data) < least {
				return outOfTuples, 0, nil
			}
		}
		if err := e.b.Add(v); err != nil {
			return builtKey, 0, err
		}
	}
	if exhausted {
		return outOfValues, 0, nil
	}
	return builtKey, 0, nil
}

// advance goes to the next substring, or the next instances of the multi-valued segments.
func (e *Enumerator) advance() {
	if e.ix.Tuple != nil {
		if e.tuple++; e.tuple < e.ix.Tuple.ToIndexMax {
			return
		}
	}
	e.nextInstances()
}

func (e *Enumerator) nextInstances() {
	e.tuple = 0
	switch {
	case e.last < 0:
		e.done = true
	case e.ix.Flags.Has(FlagNestedTable):
		for i := range e.ix.Segments {
			if e.isMulti[i] {
				e.itag[i]++
			}
		}
	default:
		e.itag[e.last]++
	}
}

// rollOver handles the end of segment seg's values: the multi-valued segment before it takes its next value, and
// all behind that one begin anew.
func (e *Enumerator) rollOver(seg int) {
	e.tuple = 0
	for i := seg - 1; i >= 0; i-- {
		if !e.isMulti[i] {
			continue
		}
		e.itag[i]++
		for j := i + 1; j < len(e.itag); j++ {
			e.itag[j] = 1
		}
		return
	}
	e.done = true
}

// endOfTuples handles a value of the first segment that has no more substrings. Where the first segment is not
// multi-valued the record has no more keys at all. A value without any substring has none beside other values of
// the later segments either, so the first segment takes its next value.
func (e *Enumerator) endOfTuples() {
	switch {
	case !e.isMulti[0]:
		e.done = true
	case e.tuple == 0 && !e.ix.Flags.Has(FlagNestedTable):
		e.rollOver(1)
	default:
		e.nextInstances()
	}
}
