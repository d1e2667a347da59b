package check

import (
	"errors"

	"esent/internal/engine/compress"
	"esent/internal/engine/key"
	"esent/internal/engine/record"
	"esent/internal/jet"
)

// errUnreadable says that a value cannot be had: it is encrypted, its default comes from a callback, or it is damaged.
var errUnreadable = errors.New("value cannot be read")

// source gives the values of one record to the making of keys.
type source struct {
	c   *checker
	tb  *table
	ix  *index
	rec []byte
	buf []byte
}

// Segment implements key.Source.
func (s *source) Segment(seg int, itag uint32, offset, most int) (key.Value, error) {
	v, err := s.tb.schema.Get(s.rec, s.ix.columns[seg], int(itag))
	switch {
	case err != nil:
		return key.Value{}, err
	case v.UserDefault || v.Encrypted:
		return key.Value{}, errUnreadable
	case v.Null || v.Itag != int(itag):
		return key.Value{Null: true}, nil
	case v.Separated:
		lid, err := record.LID(v.Data)
		if err != nil {
			return key.Value{}, err
		}
		var ok bool
		if s.buf, ok = s.c.readLong(s.tb.long, s.buf[:0], lid, offset, most); !ok {
			return key.Value{}, errUnreadable
		}
		return key.Value{Data: s.buf}, nil
	case v.Compressed:
		if s.buf, err = compress.Decompress(s.buf, v.Data); err != nil {
			return key.Value{}, errUnreadable
		}
		v.Data = s.buf
	}
	return key.Value{Data: v.Data[min(offset, len(v.Data)):]}, nil
}

// keys makes the keys of a record in an index, each once.
func (s *source) keys(set *key.Set, e *key.Enumerator) error {
	set.Reset()
	for _, c := range s.ix.conds {
		v, err := s.tb.schema.Get(s.rec, c.column, 1)
		if err != nil {
			return err
		}
		if v.UserDefault {
			return errUnreadable
		}
		if !key.ConditionHolds(c.mustBeNull, v.Null) {
			return nil
		}
	}
	e.Reset(&s.ix.def, s)
	return set.AddAll(e)
}

// cannot says that an error means: such a key cannot be made here, whatever is right.
func cannot(err error) bool {
	if errors.Is(err, errUnreadable) {
		return true
	}
	switch jet.CodeOf(err) {
	case jet.ErrUnicodeTranslationFail, jet.ErrUnicodeNormalizationNotSupported:
		return true
	}
	return false
}
