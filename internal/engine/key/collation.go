package key

import (
	"strings"

	"golang.org/x/text/language"

	"esent/internal/jet"
)

// LCMapString flags of an index over Unicode text (spec chapter 04, 10.1).
const (
	MapIgnoreCase          = 0x00000001
	MapIgnoreNonSpace      = 0x00000002
	MapIgnoreSymbols       = 0x00000004
	MapDigitsAsNumbers     = 0x00000008
	MapLinguisticCase      = 0x00000010
	MapLinguisticDiacritic = 0x00000020
	MapUpperCase           = 0x00000200
	MapSortKey             = 0x00000400
	MapByteReverse         = 0x00000800
	MapStringSort          = 0x00001000
	MapIgnoreKanaType      = 0x00010000
	MapIgnoreWidth         = 0x00020000
	MapLinguisticCasing    = 0x08000000

	// DefaultMapFlags are those of an index that names none.
	DefaultMapFlags = MapSortKey | MapIgnoreCase | MapIgnoreKanaType | MapIgnoreWidth

	// mapFlagsValid are the flags that may stand beside MapSortKey, mapFlagsExact those among them whose keys are made.
	mapFlagsValid = MapByteReverse | MapIgnoreCase | MapIgnoreNonSpace | MapIgnoreSymbols | MapLinguisticCase |
		MapLinguisticDiacritic | MapDigitsAsNumbers | MapIgnoreKanaType | MapIgnoreWidth | MapLinguisticCasing | MapStringSort
	mapFlagsExact = MapIgnoreCase | MapIgnoreKanaType | MapIgnoreWidth | MapStringSort
)

// DefaultLocale is the locale of an index that names none; "" is the invariant locale.
const DefaultLocale = "en-US"

// SortVersion is the sort version that new Unicode indexes store: NLS version in the high half, defined version in
// the low one (spec chapter 04, 10.1). The catalog's Version column is this number in little-endian order.
const SortVersion uint64 = 0x0006020F_0006020F

// SortID names a sort table within a version: a GUID in memory order.
type SortID [16]byte

// DefaultSortID is the default table, {00000001-57EE-1E5C-00B4-D0000BB1E11E}.
var DefaultSortID = SortID{0x01, 0, 0, 0, 0xEE, 0x57, 0x5C, 0x1E, 0x00, 0xB4, 0xD0, 0x00, 0x0B, 0xB1, 0xE1, 0x1E}

// Collation is how an index orders Unicode text: locale, LCMapString flags and the sort version and table that its
// keys were made with. Immutable. A nil *Collation makes no keys.
type Collation struct {
	locale  string
	flags   uint32
	version uint64
	id      SortID
	exact   bool
}

// NewCollation checks and gathers what the catalog row or the caller of JetCreateIndex says. Errors:
// jet.ErrInvalidLCMapStringFlags and jet.ErrInvalidLanguageId for what no Windows would take. A collation that is
// valid, but whose keys are not made exactly here, is returned too, since its index can be read; Exact tells.
func NewCollation(locale string, flags uint32, version uint64, id SortID) (*Collation, error) {
	if err := CheckMapFlags(flags); err != nil {
		return nil, err
	}
	if err := CheckLocale(locale); err != nil {
		return nil, err
	}
	c := &Collation{locale: locale, flags: flags, version: version, id: id}
	switch {
	case flags == MapUpperCase:
		c.exact = true
	case flags&^mapFlagsExact == MapSortKey:
		c.exact = id == DefaultSortID && SameSortVersion(version, SortVersion)
	}
	return c, nil
}

// Exact is nil when keys are made exactly as Windows makes them, else jet.ErrUnicodeNormalizationNotSupported: no
// key is made then, and an index must not be created (spec chapter 04, 10.5). Single characters may still be refused.
func (c *Collation) Exact() error {
	if c == nil || !c.exact {
		return jet.ErrUnicodeNormalizationNotSupported
	}
	return nil
}

// Locale is the locale's name.
func (c *Collation) Locale() string { return c.locale }

// MapFlags are the LCMapString flags.
func (c *Collation) MapFlags() uint32 { return c.flags }

// Version and ID are the sort version and table.
func (c *Collation) Version() uint64 { return c.version }
func (c *Collation) ID() SortID      { return c.id }

func (c *Collation) upper() bool { return c != nil && c.flags == MapUpperCase }

// specialsAreMain says that hyphens and apostrophes are ordinary symbols.
func (c *Collation) specialsAreMain() bool { return c.flags&MapStringSort != 0 }

// withCase says that keys have case weights: they are left out whole when both case and width are ignored.
func (c *Collation) withCase() bool {
	return c.flags&(MapIgnoreCase|MapIgnoreWidth) != MapIgnoreCase|MapIgnoreWidth
}

// caseMask are the bits cleared in case weights.
func (c *Collation) caseMask() byte {
	if c.flags&MapIgnoreCase != 0 {
		return caseUpper
	}
	return 0
}

// CheckMapFlags fails with jet.ErrInvalidLCMapStringFlags unless flags is MapSortKey with any of the flags that may
// stand beside it, or MapUpperCase alone (from format feature JET_efvUppercaseTextNormalization on; the caller checks).
func CheckMapFlags(flags uint32) error {
	if flags == MapUpperCase || flags&^mapFlagsValid == MapSortKey {
		return nil
	}
	return jet.ErrInvalidLCMapStringFlags
}

// CompleteMapFlags adds MapSortKey to the flags that a caller gave, except to MapUpperCase.
func CompleteMapFlags(flags uint32) uint32 {
	if flags == MapUpperCase {
		return flags
	}
	return flags | MapSortKey
}

const localeMost = 84 // characters of a locale name (LOCALE_NAME_MAX_LENGTH without NUL)

// CheckLocale fails with jet.ErrInvalidLanguageId when name is no locale's name: language, script and region of
// BCP 47, optionally _ and a sort order, in letters of any case. The empty name is the invariant locale.
func CheckLocale(name string) error {
	if name == "" {
		return nil
	}
	base, _, hasSort := strings.Cut(name, "_")
	if len(name) > localeMost || hasSort && !isAlphanumeric(name[len(base)+1:]) {
		return jet.ErrInvalidLanguageId
	}
	if _, err := language.Parse(base); err != nil {
		return jet.ErrInvalidLanguageId
	}
	return nil
}

func isAlphanumeric(s string) bool {
	for i := range len(s) {
		if b := s[i] | 0x20; (b < 'a' || b > 'z') && (s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return s != ""
}

// EqualLocale compares locale names without regard to the case of ASCII letters.
func EqualLocale(a, b string) bool { return strings.EqualFold(a, b) }

// SortIDOf gives the sort table of a new index of the locale: DefaultSortID for the invariant locale, English and
// German. Other locales, and sort orders other than a language's first, may be tailored; they fail with
// jet.ErrUnicodeNormalizationNotSupported, unknown names with jet.ErrInvalidLanguageId.
func SortIDOf(locale string) (SortID, error) {
	if err := CheckLocale(locale); err != nil {
		return SortID{}, err
	}
	lang, _, _ := strings.Cut(locale, "-")
	if locale == "" || !strings.Contains(locale, "_") && (EqualLocale(lang, "en") || EqualLocale(lang, "de")) {
		return DefaultSortID, nil
	}
	return SortID{}, jet.ErrUnicodeNormalizationNotSupported
}

// SameSortVersion tells whether two sort versions make the same keys: equal, or NLS versions known to differ in
// nothing that counts (spec chapter 04, 10.2).
func SameSortVersion(a, b uint64) bool {
	if a == b {
		return true
	}
	lo, hi := min(a>>32, b>>32), max(a>>32, b>>32)
	switch hi {
	case 0x00060102:
		return lo == 0x00060101
	case 0x0006020E:
		return lo == 0x0006020D
	case 0x0006020F:
		return lo == 0x0006020E || lo == 0x0006020D
	}
	return false
}

// ReadableSortVersion tells whether an index of the sort version may stay as it is where a database is attached:
// SortVersion and its equals, and 0x00060305, which systems with the published weights and without Windows' own
// library report. Of the latter the entries are read; keys are not made, since some weights differ (Exact).
func ReadableSortVersion(v uint64) bool {
	const published = 0x00060305
	return SameSortVersion(v, SortVersion) || v>>32 == published
}

// SameSortID tells whether two sort tables are the same: equal, or the old and new name of the Russian one.
func SameSortID(a, b SortID) bool {
	const (
		russianOld = 0x49
		russianNew = 0x4A
	)
	russian := func(id SortID) bool {
		first := id[0]
		id[0] = DefaultSortID[0]
		return id == DefaultSortID && (first == russianOld || first == russianNew)
	}
	return a == b || russian(a) && russian(b)
}
