package engine

import (
	"bytes"

	"esent/internal/engine/key"
	"esent/internal/jet"
)

// IndexDef describes an index to be created (JET_INDEXCREATE in all its versions). Of the oldest, JET_INDEXCREATE,
// ulDensity becomes the density of Hints, which then always are given; in the others ulDensity counts for nothing
// but the primary index of a new table.
type IndexDef struct {
	// BadSize says that the structure's cbStruct is wrong; nothing else of it counts then.
	BadSize bool
	Name    string // bytes of code page 1252
	// Key is the key text with its NULs, as long as cbKey says.
	Key     []byte
	Grbit   jet.Grbit
	Density uint32
	// Locale must be given with JET_bitIndexUnicode, and only then.
	Locale *IndexLocale
	// KeyMost counts with JET_bitIndexKeyMost only. VarSegMac 0 means no limit.
	KeyMost, VarSegMac uint32
	// Tuple must be given with JET_bitIndexTupleLimits.
	Tuple      *key.TupleLimits
	Conditions []IndexCondition
	Hints      *SpaceHints

	// Err is what JetCreateTableColumnIndex tells of the index.
	Err jet.Err
}

// IndexCondition is a condition that records in an index fulfil (JET_CONDITIONALCOLUMN).
type IndexCondition struct {
	BadSize bool
	Column  string
	Grbit   jet.Grbit // JET_bitIndexColumnMustBeNull or JET_bitIndexColumnMustBeNonNull
}

// keyColumn is one item of a key text.
type keyColumn struct {
	name       string
	descending bool
}

// indexPlan is an index definition that was judged, but for its columns.
type indexPlan struct {
	name       string
	grbit      jet.Grbit
	flags      key.Flags
	columns    []keyColumn
	conditions []IndexCondition
	keyMost    int
	varSegMac  int
	locale     string
	mapFlags   uint32
	tuple      *key.TupleLimits
	hints      SpaceHints
}

// efvUppercase is the format version from which on indexes may compare upper-cased text.
const efvUppercase = 9000

// indexCheck says in which surroundings an index is to be made.
type indexCheck struct {
	inst     *Instance
	pageSize int
	feature  func(efv uint32) bool
	// hints are those of an index without any.
	hints SpaceHints
}

// check judges an index definition but for what depends on the table (spec chapter 01, 7.5).
func (d *IndexDef) check(in *indexCheck) (*indexPlan, error) {
	name, err := objectName(d.Name)
	if err != nil {
		return nil, err
	}
	p := &indexPlan{name: name, grbit: d.Grbit, flags: key.FlagsFromGrbit(d.Grbit), conditions: d.Conditions}
	if err := d.checkLimits(p, in.pageSize); err != nil {
		return nil, err
	}
	if err := d.checkFlags(); err != nil {
		return nil, err
	}
	if err := d.checkKeyText(); err != nil {
		return nil, err
	}
	p.hints = in.hints
	if d.Hints != nil {
		p.hints = *d.Hints
	}
	if p.hints, err = p.hints.normalise(in.pageSize); err != nil {
		return nil, err
	}
	if p.columns, err = parseKeyText(d.Key); err != nil {
		return nil, err
	}
	if p.varSegMac > p.keyMost {
		return nil, jet.ErrIndexInvalidDef
	}
	if err := d.checkLocale(p, in); err != nil {
		return nil, err
	}
	return p, d.checkTuple(p, in.inst)
}

// checkLimits takes over the limits of keys.
func (d *IndexDef) checkLimits(p *indexPlan, pageSize int) error {
	p.keyMost = key.KeyMostDefault
	if d.Grbit&jet.BitIndexKeyMost != 0 {
		if d.KeyMost < jet.CbKeyMostMin || d.KeyMost > uint32(key.KeyMostOfPage(pageSize)) {
			return jet.ErrIndexInvalidDef
		}
		p.keyMost = int(d.KeyMost)
	}
	if p.varSegMac = p.keyMost; d.Grbit&jet.BitIndexTupleLimits == 0 && d.VarSegMac != 0 {
		p.varSegMac = int(min(d.VarSegMac, 1<<16))
	}
	return nil
}

func (d *IndexDef) checkFlags() error {
	const ignores = jet.BitIndexIgnoreNull | jet.BitIndexIgnoreAnyNull | jet.BitIndexIgnoreFirstNull
	const products = jet.BitIndexCrossProduct | jet.BitIndexNestedTable
	primary := d.Grbit&jet.BitIndexPrimary != 0
	switch {
	case primary && d.Grbit&ignores != 0, d.Grbit&products == products:
		return jet.ErrInvalidGrbit
	case primary && len(d.Conditions) > 0:
		return jet.ErrIndexInvalidDef
	case d.Grbit&jet.BitIndexEmpty != 0 && d.Grbit&jet.BitIndexIgnoreAnyNull == 0:
		return jet.ErrInvalidGrbit
	case d.Grbit&jet.BitIndexTupleLimits != 0 && d.Tuple == nil:
		return jet.ErrIndexInvalidDef
	}
	return nil
}

// checkKeyText judges the ends of the key text.
func (d *IndexDef) checkKeyText() error {
	n := len(d.Key)
	switch {
	case n == 0:
		return jet.ErrInvalidParameter
	case n < 2 || d.Key[0] != '+' && d.Key[0] != '-' || d.Key[n-1] != 0 || d.Key[n-2] != 0:
		return jet.ErrIndexInvalidDef
	}
	return nil
}

// parseKeyText cuts a key text into its items. ErrIndexInvalidDef for too many, and for anything behind the text.
func parseKeyText(text []byte) ([]keyColumn, error) {
	var list []keyColumn
	for len(text) > 0 && text[0] != 0 {
		if len(list) == jet.CcolKeyMost {
			return nil, jet.ErrIndexInvalidDef
		}
		c := keyColumn{descending: text[0] == '-'}
		if c.descending || text[0] == '+' {
			text = text[1:]
		}
		end := bytes.IndexByte(text, 0)
		if end < 0 {
			return nil, jet.ErrIndexInvalidDef
		}
		c.name = string(text[:end])
		list = append(list, c)
		text = text[end+1:]
	}
	if len(list) == 0 || len(text) > 1 {
		return nil, jet.ErrIndexInvalidDef
	}
	return list, nil
}

// checkLocale takes over the order of Unicode text.
func (d *IndexDef) checkLocale(p *indexPlan, in *indexCheck) error {
	p.locale, p.mapFlags = in.inst.defaultLocale()
	if d.Grbit&jet.BitIndexUnicode == 0 {
		return nil
	}
	if d.Locale == nil {
		return jet.ErrInvalidParameter
	}
	p.flags |= key.FlagLocaleSet
	if !d.Locale.Default {
		p.locale = d.Locale.Name
	}
	if d.Locale.MapFlags != 0 {
		p.mapFlags = key.CompleteMapFlags(d.Locale.MapFlags)
	}
	if err := key.CheckLocale(p.locale); err != nil {
		return err
	}
	if p.mapFlags&key.MapUpperCase != 0 && !in.feature(efvUppercase) {
		return jet.ErrEngineFormatVersionParamTooLowForRequestedFeature
	}
	return key.CheckMapFlags(p.mapFlags)
}

// checkTuple takes over the limits of a tuple index.
func (d *IndexDef) checkTuple(p *indexPlan, i *Instance) error {
	if d.Grbit&(jet.BitIndexTuples|jet.BitIndexTupleLimits) == 0 {
		return nil
	}
	switch {
	case d.Grbit&jet.BitIndexPrimary != 0:
		return jet.ErrIndexTuplesSecondaryIndexOnly
	case d.Grbit&jet.BitIndexUnique != 0:
		return jet.ErrIndexTuplesNonUniqueOnly
	case p.varSegMac < p.keyMost:
		return jet.ErrIndexTuplesVarSegMacNotAllowed
	}
	var want key.TupleLimits
	if d.Grbit&jet.BitIndexTupleLimits != 0 {
		want = *d.Tuple
	} else {
		number := func(id jet.ParamID) uint32 { return uint32(i.number(id)) }
		want = key.TupleLimits{LengthMin: number(jet.ParamIndexTuplesLengthMin), LengthMax: number(jet.ParamIndexTuplesLengthMax),
			ToIndexMax: number(jet.ParamIndexTuplesToIndexMax), Increment: number(jet.ParamIndexTupleIncrement),
			Start: number(jet.ParamIndexTupleStart)}
	}
	limits, err := key.NewTupleLimits(want)
	if err != nil {
		return err
	}
	p.tuple = &limits
	return nil
}
