package engine

import (
	"bytes"

	"esent/internal/engine/compress"
	"esent/internal/engine/key"
	"esent/internal/engine/record"
	"esent/internal/jet"
)

// checkUnique refuses a value that another one of its column in the copy buffer equals: byte for byte, or as an index
// with the default key limit would have it (JET_bitSetUniqueMultiValues and JET_bitSetUniqueNormalizedMultiValues,
// spec chapter 04, 3.2).
func (c *Cursor) checkUnique(s *Session, col *record.Column, set *Setting) error {
	normalized := set.Grbit&jet.BitSetUniqueNormalizedMultiValues != 0
	data := set.Data[:min(set.Size, len(set.Data))]
	var ix key.Index
	var want, have []byte
	var wantCut bool
	if normalized {
		collation, err := key.NewCollation(key.DefaultLocale, key.DefaultMapFlags, key.SortVersion, key.DefaultSortID)
		if err != nil {
			return err
		}
		ix = key.Index{KeyMost: key.KeyMostDefault, Collation: collation,
			Segments: []key.Segment{{Type: int(col.Type), CodePage: col.CodePage, Max: col.Max}}}
		if want, wantCut, err = normalised(nil, &ix, data); err != nil {
			return err
		}
	}
	for itag := 1; ; itag++ {
		v, err := c.update.buf.Get(col, itag)
		if err != nil {
			return err
		}
		if v.Null || v.FromDefault {
			return nil
		}
		if itag == int(set.Itag) {
			continue
		}
		if v.Separated && !normalized {
			lid, err := record.LID(v.Data)
			if err != nil {
				return err
			}
			if same, err := c.equalLong(s, lid, data); err != nil || same {
				return errOr(err, jet.ErrMultiValuedDuplicate)
			}
			continue
		}
		plain, err := c.plainPart(s, &v)
		if err != nil {
			return err
		}
		if !normalized {
			if bytes.Equal(plain, data) {
				return jet.ErrMultiValuedDuplicate
			}
			continue
		}
		var haveCut bool
		if have, haveCut, err = normalised(have[:0], &ix, plain); err != nil {
			return err
		}
		switch {
		case !bytes.Equal(want, have):
		case wantCut || haveCut:
			return jet.ErrMultiValuedDuplicateAfterTruncation
		default:
			return jet.ErrMultiValuedDuplicate
		}
	}
}

// normalised appends the key segment of a value to dst; cut says that the value was longer than a key can hold.
func normalised(dst []byte, ix *key.Index, data []byte) (out []byte, cut bool, err error) {
	return key.AppendSegment(dst, &ix.Segments[0], ix, key.Value{Data: data}, ix.KeyMost)
}

// plainPart gives the bytes of a value; of a separated one as many as a key can need.
func (c *Cursor) plainPart(s *Session, v *record.Value) ([]byte, error) {
	switch {
	case v.Separated:
		lid, err := record.LID(v.Data)
		if err != nil {
			return nil, err
		}
		values := c.table.Values()
		if values == nil {
			return nil, jet.ErrLVCorrupted
		}
		var part [key.KeyMostDefault + 1]byte
		n, _, err := values.Read(&c.long, s.trx, lid, 0, part[:])
		return part[:n], err
	case v.Compressed:
		var err error
		c.scratch, err = compress.Decompress(c.scratch[:0], v.Data)
		return c.scratch, err
	}
	return v.Data, nil
}

func errOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
