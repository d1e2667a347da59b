package record

import "esent/internal/jet"

// buildDefaultRecord builds what an insert starts from (spec chapter 04, 4.1): the fixed and variable parts up
// to the last column with a default. Tagged defaults stay out of records.
func (s *Schema) buildDefaultRecord() error {
	fixedLast, fixedEnd := fixedNone, headerSize
	for i := range s.Fixed {
		if c := &s.Fixed[i]; c.storedDefault() {
			fixedLast, fixedEnd = int(c.FID), int(c.Offset)+c.Max
		}
	}
	varCount := 0
	for i := range s.Var {
		if s.Var[i].storedDefault() {
			varCount = i + 1
		}
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
		return jet.ErrRecordTooBig.Errorf("default values of %d bytes", len(rec))
	}
	s.DefaultRecord = rec
	return nil
}
