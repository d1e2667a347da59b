package record

import "esent/internal/jet"

// buildDefaultRecord builds what an insert starts from (spec chapter 04, 4.1): the fixed and variable parts up
// to the last column with a default. Tagged defaults stay out of records.
func (s *Schema) buildDefaultRecord() (err error) {
	fixedLast, varCount := fixedNone, 0
	for i := range s.Fixed {
		if c := &s.Fixed[i]; c.storedDefault() {
			fixedLast = int(c.FID)
		}
	}
	for i := range s.Var {
		if s.Var[i].storedDefault() {
			varCount = i + 1
		}
	}
	s.DefaultRecord, err = s.defaults(fixedLast, varCount)
	return err
}

// FixedDefaults gives a record with the first so many fixed columns alone, as they are by default.
func (s *Schema) FixedDefaults(columns int) ([]byte, error) { return s.defaults(columns, 0) }

// defaults gives a record with the fixed columns up to one, and so many variable ones, as they are by default.
func (s *Schema) defaults(fixedLast, varCount int) ([]byte, error) {
	fixedEnd := headerSize
	if fixedLast > 0 {
		c := &s.Fixed[fixedLast-FixedFirst]
		fixedEnd = int(c.Offset) + c.Max
	}
	rec := make([]byte, fixedEnd, NodeMost(s.PageSize))
	for i := headerSize; i < fixedEnd; i++ {
		rec[i] = fill
	}
	for range bitmapSize(fixedLast) {
		rec = append(rec, 0xFF)
	}
	for i := range fixedLast {
		if c := &s.Fixed[i]; c.storedDefault() {
			copy(rec[c.Offset:], c.Default)
			rec[fixedEnd+i/8] &^= 1 << (i % 8)
		}
	}
	rec[offFixedLast], rec[offVarLast] = byte(fixedLast), byte(varNone+varCount)
	putLE16(rec, offFixedEnd, len(rec))

	array := len(rec)
	rec = append(rec, make([]byte, varOffsetSize*varCount)...)
	start := len(rec)
	for i := range varCount {
		word := varNull
		if c := &s.Var[i]; c.storedDefault() {
			rec = append(rec, c.Default...)
			word = 0
		}
		putLE16(rec, array+varOffsetSize*i, word|(len(rec)-start))
	}
	if len(rec) > NodeMost(s.PageSize) {
		return nil, jet.ErrRecordTooBig.Errorf("default values of %d bytes", len(rec))
	}
	return rec, nil
}
