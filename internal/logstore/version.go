package logstore

import (
	"fmt"

	"esent/internal/jet"
)

// Version is a log's format version (spec chapter 05, 6).
type Version struct{ Major, Minor, UpdateMajor, UpdateMinor uint32 }

const (
	versionMajor = 8
	versionMinor = 4000
	// minorPrevChecksum is the update minor from which a header's PrevChecksum is valid.
	minorPrevChecksum = 13
)

// efvVersions has the versions by the lowest engine format version that writes them. 8880 is out of order.
var efvVersions = []struct{ efv, updateMajor, updateMinor uint32 }{
	{7060, 4, 3}, {8220, 5, 13}, {8520, 5, 14}, {8720, 5, 15}, {8820, 5, 16}, {8880, 5, 14}, {8920, 5, 16}, {8940, 6, 20}, {8980, 7, 40}, {9040, 20, 60}, {9100, 30, 80},
	{9120, 40, 100}, {9140, 50, 120}, {9160, 60, 140}, {9320, 70, 160}, {9340, 80, 180}, {9360, 90, 200}, {9420, 100, 220},
	{9480, 110, 240}, {9500, 120, 260}, {9580, 130, 280},
}

// maxEFV is the highest engine format version this package knows.
const maxEFV = 9600

// MaxVersion is the highest version this package reads and writes.
var MaxVersion = VersionForEFV(maxEFV)

// VersionForEFV is the version that an engine format version writes. An efv between two known ones counts as
// the lower.
func VersionForEFV(efv uint32) Version {
	v := Version{Major: versionMajor, Minor: versionMinor, UpdateMajor: efvVersions[0].updateMajor, UpdateMinor: efvVersions[0].updateMinor}
	for _, e := range efvVersions {
		if e.efv <= efv {
			v.UpdateMajor, v.UpdateMinor = e.updateMajor, e.updateMinor
		}
	}
	return v
}

// Max is the version that has of each field the greater: that of a new log behind one of version w.
func (v Version) Max(w Version) Version {
	return Version{max(v.Major, w.Major), max(v.Minor, w.Minor), max(v.UpdateMajor, w.UpdateMajor), max(v.UpdateMinor, w.UpdateMinor)}
}

// hasPrevChecksum says that a header of version v has a valid PrevChecksum.
func (v Version) hasPrevChecksum() bool { return v.UpdateMinor >= minorPrevChecksum }

// check answers JET_errBadLogVersion for a version that this package does not read.
func (v Version) check() error {
	if v.Major != versionMajor || v.Minor != versionMinor || v.UpdateMajor > MaxVersion.UpdateMajor || v.UpdateMinor > MaxVersion.UpdateMinor {
		return jet.ErrBadLogVersion.Errorf("log version %s", v)
	}
	return nil
}

// String gives the four numbers with dots.
func (v Version) String() string {
	return fmt.Sprintf("%d.%d.%d.%d", v.Major, v.Minor, v.UpdateMajor, v.UpdateMinor)
}
