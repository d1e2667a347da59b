package catalog

import "esent/internal/engine/dbfile"

// Features are what databases of a format version have in their catalogs and trees (spec chapter 02, 12.2).
type Features struct {
	// AutoIncRoot keeps auto-increment numbers in the roots of tables.
	AutoIncRoot bool
	// LID64 gives new long values references of 8 bytes.
	LID64 bool
	// LastSetTime fills the catalog column PgnoFDPLastSetTime.
	LastSetTime bool
	// KVPColumns gives key-value tables their later columns.
	KVPColumns bool
}

// FeaturesOf gives the features of a database version.
func FeaturesOf(v dbfile.Version) Features {
	has := func(efv uint32) bool { return v.Compare(dbfile.VersionForEFV(efv)) >= 0 }
	return Features{AutoIncRoot: has(8960), LID64: has(9080), LastSetTime: has(9460), KVPColumns: has(9520)}
}
