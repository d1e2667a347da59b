package engine

import (
	"esent/internal/engine/record"
	"esent/internal/jet"
)

// ColumnDef describes a column to be added (JET_COLUMNDEF with name and default, JET_COLUMNCREATE).
type ColumnDef struct {
	// BadSize says that the structure's cbStruct is wrong; nothing else of it counts then.
	BadSize bool
	Name    string // bytes of code page 1252
	Type    uint32 // JET_coltyp
	// Max is the greatest length in bytes; 0 for the type's own. Ignored for types of fixed length.
	Max      uint32
	CodePage uint16
	Grbit    jet.Grbit
	// Default is the default value; empty for none.
	Default []byte
	// UserDefined is what stands in Default's place with JET_bitColumnUserDefinedDefault; nil when the caller's
	// cbDefault is not the size of JET_USERDEFINEDDEFAULT.
	UserDefined *UserDefinedDefault

	// ID and Err are what JetCreateTableColumnIndex tells of the column: its id, and the result, which may be a
	// warning.
	ID  jet.ColumnID
	Err jet.Err
}

// UserDefinedDefault names the function that gives a column's default value (JET_USERDEFINEDDEFAULT).
type UserDefinedDefault struct {
	Callback string // "dll!function"
	Data     []byte // given to the function
}

// efvEscrow64 is the format version from which on escrow columns may have 64 bits.
const efvEscrow64 = 9040

// columnCheck says in which surroundings a column is to be added.
type columnCheck struct {
	// exclusive says that no other session can open the table.
	exclusive bool
	// inherited says whether the template table has a column of that name.
	inherited func(name string) bool
	// feature says whether the database has what a format version brought.
	feature func(efv uint32) bool
}

func longType(t uint32) bool { return t == jet.ColtypLongText || t == jet.ColtypLongBinary }
func textType(t uint32) bool { return t == jet.ColtypText || t == jet.ColtypLongText }

// tagged says whether the column's values are tagged ones.
func (d *ColumnDef) tagged() bool { return d.Grbit&jet.BitColumnTagged != 0 || longType(d.Type) }

// fixed says whether the column lies in the fixed part of records.
func (d *ColumnDef) fixed() bool {
	return !d.tagged() && (d.Grbit&jet.BitColumnFixed != 0 || record.TypeSize(uint8(d.Type)) > 0)
}

// check judges a column definition (spec chapter 01, 7.4) and gives the column without id and place. warn is
// JET_wrnColumnMaxTruncated or 0. That the name is free, and the record not too large, is found out later.
func (d *ColumnDef) check(in *columnCheck) (c record.Column, warn jet.Err, err error) {
	if d.Max > jet.CbLVColumnMost {
		return c, 0, jet.ErrInvalidParameter
	}
	name, err := objectName(d.Name)
	switch {
	case err != nil:
		return c, 0, err
	case in.inherited != nil && in.inherited(name):
		return c, 0, jet.ErrColumnDuplicate
	case d.Type == jet.ColtypNil || d.Type >= jet.ColtypMax || d.Type == jet.ColtypSLV:
		return c, 0, jet.ErrInvalidColumnType
	}
	codePage, err := d.codePage()
	if err != nil {
		return c, 0, err
	}
	flags, err := d.flags(in)
	if err != nil {
		return c, 0, err
	}
	c = record.Column{Type: uint8(d.Type), Flags: flags, CodePage: codePage, Name: name}
	c.Max, warn = d.size()
	if flags&record.FlagDefault == 0 || flags&record.FlagUserDefinedDefault != 0 {
		return c, warn, nil
	}
	c.Default, err = d.defaultValue(&c)
	return c, warn, err
}

// codePage is the code page of a text column, 0 for others.
func (d *ColumnDef) codePage() (uint16, error) {
	if !textType(d.Type) {
		return 0, nil
	}
	switch d.CodePage {
	case 0, codePageANSI:
		return codePageANSI, nil
	case codePageUnicode:
		return codePageUnicode, nil
	}
	return 0, jet.ErrInvalidCodePage
}

const (
	codePageANSI    = 1252
	codePageUnicode = 1200
)

// flags gives the flags that the catalog keeps, or says which of the caller's do not go together.
func (d *ColumnDef) flags(in *columnCheck) (record.FieldFlags, error) {
	has := func(bits jet.Grbit) bool { return d.Grbit&bits != 0 }
	given := len(d.Default) > 0 || d.UserDefined != nil
	switch {
	case has(jet.BitColumnCompressed) && !longType(d.Type):
		return 0, jet.ErrColumnCannotBeCompressed
	case has(jet.BitColumnEncrypted) && (!longType(d.Type) || has(jet.BitColumnMultiValued) || given):
		return 0, jet.ErrColumnCannotBeEncrypted
	case d.tagged() && has(jet.BitColumnFixed):
		return 0, jet.ErrInvalidGrbit
	case !d.tagged() && has(jet.BitColumnMultiValued):
		return 0, jet.ErrMultiValuedColumnMustBeTagged
	}
	var err error
	switch {
	case has(jet.BitColumnEscrowUpdate):
		err = d.checkEscrow(in, given)
	case has(jet.BitColumnFinalize | jet.BitColumnDeleteOnZero):
		err = jet.ErrInvalidGrbit
	case has(jet.BitColumnVersion | jet.BitColumnAutoincrement):
		err = d.checkCounter(in)
	}
	if err == nil && has(jet.BitColumnUserDefinedDefault) {
		err = d.checkUserDefined()
	}
	if err != nil {
		return 0, err
	}
	var flags record.FieldFlags
	for _, m := range columnFlags {
		if has(m.grbit) {
			flags |= m.flag
		}
	}
	if given {
		flags |= record.FlagDefault
	}
	return flags, nil
}

// columnFlags are the flags that the API and the catalog have in common.
var columnFlags = []struct {
	grbit jet.Grbit
	flag  record.FieldFlags
}{
	{jet.BitColumnNotNULL, record.FlagNotNull},
	{jet.BitColumnVersion, record.FlagVersion},
	{jet.BitColumnAutoincrement, record.FlagAutoincrement},
	{jet.BitColumnMultiValued, record.FlagMultivalued},
	{jet.BitColumnEscrowUpdate, record.FlagEscrowUpdate},
	{jet.BitColumnFinalize, record.FlagFinalize},
	{jet.BitColumnDeleteOnZero, record.FlagDeleteOnZero},
	{jet.BitColumnUserDefinedDefault, record.FlagUserDefinedDefault},
	{jet.BitColumnCompressed, record.FlagCompressed},
	{jet.BitColumnEncrypted, record.FlagEncrypted},
}

func (d *ColumnDef) checkEscrow(in *columnCheck, given bool) error {
	switch {
	case d.Type != jet.ColtypLong && d.Type != jet.ColtypLongLong:
		return jet.ErrInvalidGrbit
	case d.Grbit&jet.BitColumnTagged != 0:
		return jet.ErrCannotBeTagged
	case d.Grbit&(jet.BitColumnVersion|jet.BitColumnAutoincrement) != 0 || !given:
		return jet.ErrInvalidGrbit
	case !in.exclusive:
		return jet.ErrExclusiveTableLockRequired
	case d.Type == jet.ColtypLongLong && !in.feature(efvEscrow64):
		return jet.ErrEngineFormatVersionParamTooLowForRequestedFeature
	case d.Grbit&jet.BitColumnFinalize != 0 && d.Grbit&jet.BitColumnDeleteOnZero != 0:
		return jet.ErrInvalidGrbit
	}
	return nil
}

// checkCounter judges autoincrement and version columns.
func (d *ColumnDef) checkCounter(in *columnCheck) error {
	automatic := d.Grbit&jet.BitColumnAutoincrement != 0
	switch {
	case automatic && d.Type != jet.ColtypLong && d.Type != jet.ColtypLongLong && d.Type != jet.ColtypUnsignedLongLong && d.Type != jet.ColtypCurrency:
		return jet.ErrInvalidGrbit
	case !automatic && d.Type != jet.ColtypLong:
		return jet.ErrInvalidGrbit
	case d.Grbit&jet.BitColumnTagged != 0:
		return jet.ErrCannotBeTagged
	case automatic && d.Grbit&jet.BitColumnVersion != 0:
		return jet.ErrInvalidGrbit
	case automatic && !in.exclusive:
		return jet.ErrExclusiveTableLockRequired
	}
	return nil
}

func (d *ColumnDef) checkUserDefined() error {
	const others = jet.BitColumnFixed | jet.BitColumnNotNULL | jet.BitColumnVersion | jet.BitColumnAutoincrement | jet.BitColumnUpdatable |
		jet.BitColumnEscrowUpdate | jet.BitColumnFinalize | jet.BitColumnDeleteOnZero | jet.BitColumnMaybeNull
	switch {
	case d.Grbit&others != 0 || !d.tagged():
		return jet.ErrInvalidGrbit
	case d.UserDefined == nil:
		return jet.ErrInvalidParameter
	}
	return nil
}

// size is the greatest length as the catalog has it (spec chapter 04, 1.2).
func (d *ColumnDef) size() (most int, warn jet.Err) {
	if n := record.TypeSize(uint8(d.Type)); n > 0 {
		return n, 0
	}
	switch {
	case longType(d.Type):
		return int(d.Max), 0
	case d.Max == 0:
		return jet.CbColumnMost, 0
	case d.Max > jet.CbColumnMost:
		return jet.CbColumnMost, jet.WrnColumnMaxTruncated
	}
	return int(d.Max), 0
}

// defaultValue judges the default value of a column that is otherwise complete.
func (d *ColumnDef) defaultValue(c *record.Column) ([]byte, error) {
	if c.Max > 0 && len(d.Default) > c.Max {
		return nil, jet.ErrDefaultValueTooBig
	}
	if err := checkDefault(c, d.Default); err != nil {
		return nil, err
	}
	return append([]byte(nil), d.Default...), nil
}

// checkDefault judges the length of a default value by the column's type. One that is too long for a variable column
// is cut.
func checkDefault(c *record.Column, value []byte) error {
	switch n := record.TypeSize(c.Type); {
	case n > 0 && len(value) != n:
		return jet.ErrInvalidBufferSize
	case longType(uint32(c.Type)) && len(value) > jet.CbLVDefaultValueMost:
		return jet.ErrDefaultValueTooBig
	}
	return nil
}
