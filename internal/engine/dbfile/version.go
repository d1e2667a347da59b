package dbfile

import (
	"cmp"
	"fmt"

	"esent/internal/jet"
)

// Version is a database's format version (spec chapter 02, 12.1).
type Version struct{ Major, UpdateMajor, UpdateMinor uint32 }

const (
	formatMajor  = 0x620
	createUpdate = 0x14 // update-major that databases are created with, before they are raised
	// minLargePageUpdate is the oldest update-major with pages of 16384 and 32768 bytes.
	minLargePageUpdate = 0x11
)

// Compare orders versions.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Major, w.Major), cmp.Compare(v.UpdateMajor, w.UpdateMajor), cmp.Compare(v.UpdateMinor, w.UpdateMinor))
}

// String gives the three numbers with dots.
func (v Version) String() string {
	return fmt.Sprintf("%d.%d.%d", v.Major, v.UpdateMajor, v.UpdateMinor)
}

// Values of JET_paramEngineFormatVersion (spec chapter 02, 12.2).
const (
	EFVMin                  uint32 = 7060 // oldest that can be asked for
	EFVMax                  uint32 = 9600 // newest known
	EFVUseEngineDefault     uint32 = 0x40000001
	EFVUsePersistedFormat   uint32 = 0x40000002
	EFVAllowHigherPersisted uint32 = 0x41000000
)

// efvVersions has every engine format version that can be asked for, rising, and what it writes.
var efvVersions = []struct{ efv, updateMajor, updateMinor uint32 }{
	{7060, 20, 0}, {7940, 20, 0}, {7960, 20, 0}, {8020, 20, 0}, {8023, 20, 0}, {8220, 20, 0}, {8280, 20, 0}, {8400, 20, 0},
	{8420, 20, 0}, {8440, 20, 0}, {8460, 20, 0}, {8520, 20, 0}, {8620, 20, 0}, {8720, 20, 0}, {8820, 20, 0}, {8860, 20, 0},
	{8880, 20, 0}, {8920, 20, 0}, {8940, 20, 20}, {8960, 30, 40}, {8980, 40, 60}, {9000, 50, 80}, {9020, 50, 100},
	{9040, 60, 120}, {9060, 60, 140}, {9080, 70, 160}, {9100, 80, 180}, {9120, 90, 200}, {9140, 100, 220}, {9160, 100, 220},
	{9180, 110, 240}, {9200, 120, 260}, {9220, 130, 280}, {9240, 140, 300}, {9260, 150, 320}, {9280, 160, 340},
	{9300, 160, 360}, {9320, 160, 360}, {9340, 170, 380}, {9360, 180, 400}, {9380, 190, 420}, {9400, 200, 440},
	{9420, 210, 460}, {9460, 230, 500}, {9480, 230, 500}, {9500, 230, 500}, {9520, 250, 520}, {9540, 260, 540},
	{9560, 270, 560}, {9580, 280, 580}, {9600, 290, 600},
}

// MaxVersion is the highest version that this engine reads and writes.
var MaxVersion = VersionForEFV(EFVMax)

// VersionForEFV is the database version that goes with an engine format version; between two known ones that
// of the lower.
func VersionForEFV(efv uint32) Version {
	v := Version{Major: formatMajor, UpdateMajor: createUpdate}
	for _, e := range efvVersions {
		if e.efv <= efv {
			v.UpdateMajor, v.UpdateMinor = e.updateMajor, e.updateMinor
		}
	}
	return v
}

// EFV is the lowest engine format version that writes v; 0 for a version below all known ones.
func (v Version) EFV() uint32 {
	efv := uint32(0)
	for _, e := range efvVersions {
		w := Version{formatMajor, e.updateMajor, e.updateMinor}
		if w.Compare(v) > 0 {
			break
		}
		if efv == 0 || VersionForEFV(efv).Compare(w) < 0 {
			efv = e.efv
		}
	}
	return efv
}

// Format is a resolved JET_paramEngineFormatVersion.
type Format struct {
	// EFV is the version asked for: the newest known for the engine default and for UsePersisted.
	EFV uint32
	// UsePersisted says to stay at what the files have.
	UsePersisted bool
	// AllowHigher says not to fail on files above EFV.
	AllowHigher bool
}

// ResolveFormat reads a value of JET_paramEngineFormatVersion. Versions that are not known give
// ErrEngineFormatVersionNoLongerSupportedTooLow or ErrEngineFormatVersionNotYetImplementedTooHigh.
func ResolveFormat(param uint32) (Format, error) {
	switch param {
	case EFVUseEngineDefault:
		return Format{EFV: EFVMax}, nil
	case EFVUsePersistedFormat:
		return Format{EFV: EFVMax, UsePersisted: true, AllowHigher: true}, nil
	}
	f := Format{EFV: param}
	if param&EFVAllowHigherPersisted == EFVAllowHigherPersisted {
		f = Format{EFV: param &^ EFVAllowHigherPersisted, AllowHigher: true}
		if f.EFV == EFVUseEngineDefault&^EFVAllowHigherPersisted {
			f.EFV = EFVMax
		}
	}
	if f.EFV > EFVMax {
		return Format{}, jet.ErrEngineFormatVersionNotYetImplementedTooHigh.Errorf("engine format version %d", f.EFV)
	}
	for _, e := range efvVersions {
		if e.efv == f.EFV {
			return f, nil
		}
	}
	return Format{}, jet.ErrEngineFormatVersionNoLongerSupportedTooLow.Errorf("engine format version %d", f.EFV)
}

// The checks on attach are steps of spec chapter 02, 12.3, to be called in the order below. Recovery and
// backup need only some of them.

// CheckFormat is steps 1 to 3: a database of format 0x620, of this page size. pageSize 0 accepts any.
func (h *Header) CheckFormat(pageSize int) error {
	if h.Magic != Magic || h.Version.Major < formatMajor {
		return jet.ErrInvalidDatabaseVersion.Errorf("format version %#x", h.Version.Major)
	}
	if pageSize != 0 && h.PageSize() != pageSize {
		return jet.ErrPageSizeMismatch.Errorf("pages of %d bytes, not %d", h.PageSize(), pageSize)
	}
	if h.PageSize() > 8192 && h.Version.UpdateMajor < minLargePageUpdate {
		return jet.ErrInvalidDatabaseVersion.Errorf("large pages at format %v", h.Version)
	}
	return nil
}

// CheckClean is step 4: only a clean database can be attached, the others say what they lack.
func (h *Header) CheckClean() error {
	switch {
	case h.State == StateClean:
		return nil
	case h.State == StateBeingConverted:
		return jet.ErrDatabaseIncompleteUpgrade
	case h.State == StateReseeding:
		return jet.ErrDatabaseIncompleteIncrementalReseed
	case h.State == StateRevertInProgress:
		return jet.ErrDatabaseIncompleteRevert
	case h.FullCur.GenLow != 0:
		return jet.ErrSoftRecoveryOnBackupDatabase
	}
	return jet.ErrDatabaseDirtyShutdown
}

// CheckType is step 5: the file is a database and no other kind of ESE file.
func (h *Header) CheckType() error {
	if h.Attrib != 0 || h.FileType != FileUnknown && h.FileType != FileDatabase && h.FileType != FileTempDatabase {
		return jet.ErrDatabaseCorrupted.Errorf("attribute %d, file type %d", h.Attrib, h.FileType)
	}
	return nil
}

// CheckVersion is step 7: this engine knows the format. A higher update-minor does no harm.
func (h *Header) CheckVersion() error {
	if h.Version.Major != MaxVersion.Major || h.Version.UpdateMajor > MaxVersion.UpdateMajor {
		return jet.ErrInvalidDatabaseVersion.Errorf("format %v, known is %v", h.Version, MaxVersion)
	}
	return nil
}

// CheckRequested is step 8, for a database that is attached for writing: its format is not above the one asked
// for. upgrade says that it is below and is to be raised (step 9), to the version given.
func (h *Header) CheckRequested(f Format) (to Version, upgrade bool, err error) {
	to = VersionForEFV(f.EFV)
	switch c := h.Version.Compare(to); {
	case f.UsePersisted || c == 0:
		return h.Version, false, nil
	case c < 0:
		return to, true, nil
	case f.AllowHigher:
		return h.Version, false, nil
	}
	return to, false, jet.ErrEngineFormatVersionSpecifiedTooLowForDatabaseVersion.Errorf("database has %v, asked for %v", h.Version, to)
}
