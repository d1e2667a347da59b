package record

import (
	"encoding/binary"

	"esent/internal/jet"
)

// Class is where a record keeps a column; the FID tells it (spec chapter 04, 1.1).
type Class uint8

// The classes, in record order.
const (
	ClassFixed Class = iota + 1
	ClassVar
	ClassTagged
)

// FID ranges of the classes.
const (
	FixedFirst  = 1
	FixedLast   = 127
	VarFirst    = 128
	VarLast     = 255
	TaggedFirst = 256
	TaggedLast  = 65248

	// fixedNone and varNone in a record's header mean that no column of the class is present.
	fixedNone = 0
	varNone   = 127
)

// ClassOf is the class of a FID; 0, which is none, counts as fixed.
func ClassOf(fid uint16) Class {
	switch {
	case fid < VarFirst:
		return ClassFixed
	case fid < TaggedFirst:
		return ClassVar
	}
	return ClassTagged
}

// FieldFlags are a column's flags as the catalog stores them (spec chapter 04, 1.3).
type FieldFlags uint16

// The flags.
const (
	FlagNotNull            FieldFlags = 0x0001
	FlagVersion            FieldFlags = 0x0002
	FlagAutoincrement      FieldFlags = 0x0004
	FlagMultivalued        FieldFlags = 0x0008
	FlagDefault            FieldFlags = 0x0010 // has a default value
	FlagEscrowUpdate       FieldFlags = 0x0020
	FlagFinalize           FieldFlags = 0x0040
	FlagUserDefinedDefault FieldFlags = 0x0080 // the default comes from a callback; FlagDefault is set too
	FlagTemplate           FieldFlags = 0x0100 // column of a template table: derived tables set the Derived bit
	FlagDeleteOnZero       FieldFlags = 0x0200
	FlagPlaceholder        FieldFlags = 0x0800 // primary index placeholder
	FlagCompressed         FieldFlags = 0x1000
	FlagEncrypted          FieldFlags = 0x2000
)

// templateBit is the bit of a column id that marks a template table's column.
const templateBit jet.ColumnID = 0x80000000

// Column is what the record code must know of a column.
type Column struct {
	ID       jet.ColumnID // as the API has it: FID and, for template columns, bit 31
	FID      uint16       // low 16 bits of ID
	Type     uint8        // jet.ColtypX; ColtypNil for a deleted column whose place is kept
	Flags    FieldFlags
	CodePage uint16 // 1252 or 1200 for text, else 0
	Offset   uint16 // fixed columns: place in the record (RecordOffset)
	Max      int    // greatest length in bytes; 0 for a long column is no limit
	Derived  bool   // tagged columns: values carry the Derived bit (template column in a derived table)
	Name     string
	Default  []byte // raw value, if FlagDefault without FlagUserDefinedDefault
}

// Class is where records keep the column.
func (c *Column) Class() Class { return ClassOf(c.FID) }

// Deleted says that the column is gone and only its place is kept.
func (c *Column) Deleted() bool { return c.Type == jet.ColtypNil }

// Long says that the column is LongText or LongBinary.
func (c *Column) Long() bool { return c.Type == jet.ColtypLongBinary || c.Type == jet.ColtypLongText }

// HasDefault says that an absent value reads as something else than NULL.
func (c *Column) HasDefault() bool { return c.Flags&FlagDefault != 0 }

// storedDefault says that the column's default is materialised in records: it has one, and no callback gives it.
func (c *Column) storedDefault() bool {
	return c.Flags&(FlagDefault|FlagUserDefinedDefault) == FlagDefault && !c.Deleted()
}

// tagKey orders tagged columns as records have them: derived ones first, then by FID.
func (c *Column) tagKey() uint32 { return tagKey(c.FID, c.Derived) }

func tagKey(fid uint16, derived bool) uint32 {
	if derived {
		return uint32(fid)
	}
	return uint32(fid) | 1<<16
}

// TypeSize is the length in bytes of values of a fixed-length type, 0 for Binary, Text and the long types (and
// for numbers that are no type).
func TypeSize(coltyp uint8) int {
	switch coltyp {
	case jet.ColtypBit, jet.ColtypUnsignedByte:
		return 1
	case jet.ColtypShort, jet.ColtypUnsignedShort:
		return 2
	case jet.ColtypLong, jet.ColtypUnsignedLong, jet.ColtypIEEESingle:
		return 4
	case jet.ColtypCurrency, jet.ColtypIEEEDouble, jet.ColtypDateTime, jet.ColtypLongLong,
		jet.ColtypUnsignedLongLong:
		return 8
	case jet.ColtypGUID:
		return 16
	}
	return 0
}

const codePageUnicode = 1200

// putFixed stores a value in a fixed column's place dst, padded and normalised as records have it (spec chapter
// 04, 2.2); false if the length is wrong.
func (c *Column) putFixed(dst, value []byte) bool {
	if len(value) > len(dst) || len(value) < len(dst) && TypeSize(c.Type) != 0 {
		return false
	}
	if c.Type == jet.ColtypBit {
		dst[0] = 0
		if value[0] != 0 {
			dst[0] = 0xFF
		}
		return true
	}
	n := copy(dst, value)
	switch pad := dst[n:]; {
	case c.Type != jet.ColtypText:
		clear(pad)
	case c.CodePage == codePageUnicode:
		for i := range pad {
			pad[i] = 0
			if (n+i)%2 == 0 {
				pad[i] = ' '
			}
		}
	default:
		for i := range pad {
			pad[i] = ' '
		}
	}
	return true
}

// LID reads a long-value reference (spec chapter 04, 2.8): 4 bytes below 2^31 or 8 bytes with bit 63 set and
// bits 56 to 62 clear. Errors: JET_errLVCorrupted.
func LID(b []byte) (uint64, error) {
	switch len(b) {
	case 4:
		if lid := binary.LittleEndian.Uint32(b); lid != 0 && lid < 1<<31 {
			return uint64(lid), nil
		}
	case 8:
		if lid := binary.LittleEndian.Uint64(b); lid>>56 == 0x80 {
			return lid, nil
		}
	}
	return 0, errBadLID
}

// AppendLID appends the reference to lid as records have it.
func AppendLID(dst []byte, lid uint64) []byte {
	if lid < 1<<31 {
		return binary.LittleEndian.AppendUint32(dst, uint32(lid))
	}
	return binary.LittleEndian.AppendUint64(dst, lid)
}

var errBadLID = jet.ErrLVCorrupted.Errorf("malformed long-value reference")
