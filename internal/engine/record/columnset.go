package record

// ColumnSet says which columns an update has set, so that index maintenance can pass over indexes on others.
// Fixed and variable columns are told apart exactly, tagged ones by the low eight bits of their FID: a doubt
// counts as set.
type ColumnSet struct {
	plain  [4]uint64 // fixed and variable, by FID
	tagged [4]uint64 // by FID modulo 256
}

// Add notes column fid.
func (s *ColumnSet) Add(fid uint16) {
	words := &s.plain
	if fid >= TaggedFirst {
		words = &s.tagged
	}
	words[fid>>6&3] |= 1 << (fid & 63)
}

// Has says whether column fid was (or, if tagged, may have been) noted.
func (s *ColumnSet) Has(fid uint16) bool {
	words := &s.plain
	if fid >= TaggedFirst {
		words = &s.tagged
	}
	return words[fid>>6&3]>>(fid&63)&1 != 0
}

// Overlaps says whether the two have a column in common.
func (s *ColumnSet) Overlaps(o *ColumnSet) bool {
	var common uint64
	for i := range s.plain {
		common |= s.plain[i]&o.plain[i] | s.tagged[i]&o.tagged[i]
	}
	return common != 0
}

// Empty says that nothing was noted.
func (s *ColumnSet) Empty() bool { return *s == ColumnSet{} }
