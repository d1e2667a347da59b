package key

import "esent/internal/jet"

// Flags are the persisted flags of an index, as the catalog row's Flags column has them: the low word holds the
// index's behaviour (fidb), the high word the extensions (spec chapter 04, 7.1).
type Flags uint32

const (
	FlagUnique             Flags = 0x0001
	FlagAllowAllNulls      Flags = 0x0002
	FlagAllowFirstNull     Flags = 0x0004
	FlagAllowSomeNulls     Flags = 0x0008
	FlagNoNullSeg          Flags = 0x0010
	FlagPrimary            Flags = 0x0020
	FlagLocaleSet          Flags = 0x0040
	FlagMultivalued        Flags = 0x0080
	FlagTemplate           Flags = 0x0100
	FlagDerived            Flags = 0x0200
	FlagLocalizedText      Flags = 0x0400
	FlagSortNullsHigh      Flags = 0x0800
	FlagCrossProduct       Flags = 0x2000
	FlagDisallowTruncation Flags = 0x4000
	FlagNestedTable        Flags = 0x8000

	FlagExtendedColumns  Flags = 0x10000
	FlagDotNetGUID       Flags = 0x20000
	FlagDeferredPopulate Flags = 0x40000
	FlagOptionallyUnique Flags = 0x80000
)

// Has tells whether all bits of f are set.
func (fl Flags) Has(f Flags) bool { return fl&f == f }

// FlagsFromGrbit derives the persisted flags from the JET_bitIndex* flags of JET_INDEXCREATE (spec chapter 04, 7.1).
// What depends on the columns or the locale (Multivalued, LocalizedText, LocaleSet, Template, Derived) is for the
// caller to add. The combination has been checked before (spec chapter 01, 7.5).
func FlagsFromGrbit(grbit jet.Grbit) Flags {
	fl := FlagExtendedColumns
	if grbit&jet.BitIndexPrimary != 0 {
		fl |= FlagPrimary | FlagUnique
	}
	if grbit&jet.BitIndexUnique != 0 {
		fl |= FlagUnique
	}
	switch {
	case grbit&jet.BitIndexDisallowNull != 0:
		fl |= FlagNoNullSeg
	case grbit&jet.BitIndexIgnoreAnyNull != 0:
	case grbit&jet.BitIndexIgnoreFirstNull != 0:
		fl |= FlagAllowSomeNulls
	case grbit&jet.BitIndexIgnoreNull != 0:
		fl |= FlagAllowSomeNulls | FlagAllowFirstNull
	default:
		fl |= FlagAllowSomeNulls | FlagAllowFirstNull | FlagAllowAllNulls
	}
	for _, m := range [...]struct {
		bit  jet.Grbit
		flag Flags
	}{
		{jet.BitIndexCrossProduct, FlagCrossProduct},
		{jet.BitIndexNestedTable, FlagNestedTable},
		{jet.BitIndexDisallowTruncation, FlagDisallowTruncation},
		{jet.BitIndexDotNetGuid, FlagDotNetGUID},
		{jet.BitIndexOptionallyUnique, FlagOptionallyUnique},
	} {
		if grbit&m.bit != 0 {
			fl |= m.flag
		}
	}
	if grbit&jet.BitIndexSortNullsHigh != 0 && !fl.Has(FlagNoNullSeg) {
		fl |= FlagSortNullsHigh
	}
	return fl
}

// Status tells which segments of a finished key are NULL (spec chapter 04, 8.2). Zero-length is not NULL.
type Status uint8

const (
	StatusNone         Status = iota // no segment is NULL
	StatusNullKey                    // all are
	StatusNullFirstSeg               // the first is, another is not
	StatusNullSeg                    // one is, the first is not
)

// Allowed decides whether a key of the given status becomes an entry of an index with flags fl. It fails with
// jet.ErrNullKeyDisallowed where the index forbids NULL (spec chapter 04, 8.2).
func Allowed(s Status, fl Flags) (bool, error) {
	if s == StatusNone {
		return true, nil
	}
	if fl.Has(FlagNoNullSeg) {
		return false, jet.ErrNullKeyDisallowed
	}
	switch s {
	case StatusNullKey:
		return fl.Has(FlagAllowAllNulls | FlagAllowFirstNull), nil
	case StatusNullFirstSeg:
		return fl.Has(FlagAllowFirstNull), nil
	}
	return fl.Has(FlagAllowSomeNulls), nil
}

// ConditionHolds tests one conditional column (instance 1, its default applied): a record all of whose conditions
// hold is in the index (spec chapter 04, 8.3).
func ConditionHolds(mustBeNull, isNull bool) bool { return mustBeNull == isNull }
