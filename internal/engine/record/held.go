package record

// Held tells how many fixed and variable columns a record physically holds, NULL ones counted: those with the
// lowest FIDs. data are the bytes of their values, overhead all others of the record's untagged part.
// JET_errDatabaseCorrupted: the record's head contradicts its length.
func Held(rec []byte) (fixed, variable, data, overhead int, err error) {
	l, ok := layoutOf(rec)
	if !ok {
		return 0, 0, 0, 0, errMalformed
	}
	end := l.taggedStart()
	if end > len(rec) {
		return 0, 0, 0, 0, errMalformed
	}
	data = l.bitmap - headerSize + end - l.varData
	return l.fixedLast, l.varCount, data, end - data, nil
}

// Size is how many bytes of the record the column takes, with what is there to find its values.
func (it *TaggedIter) Size() int {
	n := tagfldSize + len(it.f.data)
	if it.f.headed {
		n++
	}
	return n
}
