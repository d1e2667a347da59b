package dbfile

import (
	"bytes"
	"fmt"
	"io"

	"esent/internal/jet"
)

// Dump writes the fields of the header as the header dump of esentutl has them, after its checksum lines
// (spec chapter 02, 15).
func (h *Header) Dump(w io.Writer) error {
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("Fields:")
	line("        File Type: %s", fileTypeName(h.FileType))
	line("         Checksum: 0x%x", h.Checksum)
	line("   Format ulMagic: 0x%x", h.Magic)
	line("   Engine ulMagic: 0x%x", Magic)
	line(" Format ulVersion: 0x%x,%d,%d  (attached by %d)", h.Version.Major, h.Version.UpdateMajor, h.Version.UpdateMinor, h.EFVMaxBinAttach)
	line(" Engine ulVersion: 0x%x,%d,%d  (efvCurrent = %d)", MaxVersion.Major, MaxVersion.UpdateMajor, MaxVersion.UpdateMinor, EFVMax)
	line("Created ulVersion: 0x%x,%d", h.CreateVersion, h.CreateUpdate)
	line("     DB Signature: %s", dumpSignature(h.SignDB))
	line("         cbDbPage: %d", h.PageSize())
	line("           dbtime: %d (0x%x)", h.DBTime, uint64(h.DBTime))
	line("            State: %s", h.State)
	line("     Log Required: %d-%d (0x%x-0x%x) [Min. Req. Pre-Redo: %d (0x%x)]", h.GenMinRequired, h.GenMaxRequired,
		h.GenMinRequired, h.GenMaxRequired, h.GenPreRedoMinRequired, h.GenPreRedoMinRequired)
	line("Gen. Max. Req. Creation Time: %s", dumpTime(h.GenMaxRequiredAt))
	line("    Log Committed: 0-%d (0x0-0x%x)", h.GenMaxCommitted, h.GenMaxCommitted)
	line("Gen. Max. Com. Creation Time: %s", dumpTime(h.GenMaxCreatedAt))
	line("   Log Consistent: %d (0x%x) [Pre-Redo: %d (0x%x)]", h.GenMinConsistent, h.GenMinConsistent,
		h.GenPreRedoMinConsistent, h.GenPreRedoMinConsistent)
	line("   Log Recovering: %d (0x%x)", h.GenRecovering, h.GenRecovering)
	line("         Shadowed: %s", yesNo(h.DBFlags&DBFlagShadowingOff == 0))
	line("       Last Objid: %d", h.ObjIDLast)
	line("     Scrub Dbtime: %d (0x%x)", h.DBTimeLastScrub, uint64(h.DBTimeLastScrub))
	line("       Scrub Date: %s", dumpTime(h.ScrubbedAt))
	line("     Repair Count: %d", h.RepairCount)
	line("      Repair Date: %s", dumpTime(h.RepairedAt))
	line(" Old Repair Count: %d", h.RepairCountOld)
	line("  Last Consistent: %s  %s", dumpPos(h.Consistent), dumpTime(h.ConsistentAt))
	line("      Last Attach: %s  %s", dumpPos(h.Attach), dumpTime(h.AttachedAt))
	line("      Last Detach: %s  %s", dumpPos(h.Detach), dumpTime(h.DetachedAt))
	line("    Last ReAttach: %s  %s", dumpPos(h.ReAttach), dumpTime(h.ReAttachedAt))
	line("             Dbid: %d", h.DBID)
	line("    Log Signature: %s", dumpSignature(h.SignLog))
	line("       OS Version: (%d.%d.%d SP %d NLS %x.%x)", h.OSMajor, h.OSMinor, h.OSBuild, h.OSServicePack,
		uint32(h.SortVersion>>32), uint32(h.SortVersion))
	for _, block := range []struct {
		name string
		info *jet.BackupInfo
	}{
		{"Previous Full Backup", &h.FullPrev}, {"Previous Incremental Backup", &h.IncPrev},
		{"Previous Copy Backup", &h.CopyPrev}, {"Previous Differential Backup", &h.DiffPrev},
		{"Current Full Backup", &h.FullCur}, {"Current Shadow copy backup", &h.SnapshotCur},
	} {
		line("\n%s:", block.name)
		line("        Log Gen: %d-%d (0x%x-0x%x)", block.info.GenLow, block.info.GenHigh, block.info.GenLow, block.info.GenHigh)
		line("           Mark: %s", dumpPos(block.info.Mark))
		line("           Mark: %s", dumpTime(block.info.Time))
	}
	line("\n     cpgUpgrade55Format: %d", h.Upgrade55Format)
	line("    cpgUpgradeFreePages: %d", h.UpgradeFreePages)
	line("cpgUpgradeSpaceMapPages: %d", h.UpgradeSpaceMapPages)
	resize := ""
	switch h.LastResize {
	case h.Attach:
		resize = `(Matches "Last Attach", no subsequent resize)`
	case h.Consistent:
		resize = `(Matches "Last Consistent", no subsequent resize)`
	}
	line("\n      Last Resize: %s  %s", dumpPos(h.LastResize), resize)
	line("\n     Extend Count: %d", h.ExtendCount)
	line("      Extend Date: %s", dumpTime(h.ExtendedAt))
	line("\n     Shrink Count: %d", h.ShrinkCount)
	line("      Shrink Date: %s", dumpTime(h.ShrunkAt))
	line("\n       Trim Count: %d\n", h.TrimCount)
	if h.FileType == FileDatabase {
		line("       ECC Fix Success Count: %s", found(h.ECCFixSuccess, h.ECCFixSuccessAt))
		line("   Old ECC Fix Success Count: %s", found(h.ECCFixSuccessOld, jet.LogTime{}))
		line("         ECC Fix Error Count: %s", found(h.ECCFixFail, h.ECCFixFailAt))
		line("     Old ECC Fix Error Count: %s", found(h.ECCFixFailOld, jet.LogTime{}))
		line("    Bad Checksum Error Count: %s", found(h.BadChecksum, h.BadChecksumAt))
		line("Old bad Checksum Error Count: %s", found(h.BadChecksumOld, jet.LogTime{}))
	}
	line("\n  Last Database Maintenance Finish Date: %s", dumpTime(h.ScanEndedAt))
	line("Current Database Maintenance Start Date: %s", dumpTime(h.ScanStartedAt))
	line("      Highest Continuous Database Maintenance Page: %d", h.ScanHighestContinuous)
	line("      Highest Database Maintenance Page: %d", h.ScanHighest)
	line("\n  Database Header Flush Signature: %s", dumpSignature(h.SignHeaderFlush))
	line(" Flush Map Header Flush Signature: %s", dumpSignature(h.SignFlushMapFlush))
	line("       RBS Header Flush Signature: %s", dumpSignature(h.SignRBSFlush))
	_, err := w.Write(b.Bytes())
	return err
}

func fileTypeName(t FileType) string {
	switch t {
	case FileDatabase:
		return "Database"
	case FileTempDatabase:
		return "Temporary Database"
	case FileFlushMap:
		return "Flush Map"
	}
	return "Unknown"
}

func yesNo(b bool) string {
	if b {
		return "Yes"
	}
	return "No"
}

func found(n uint32, last jet.LogTime) string {
	switch {
	case n == 0:
		return "none"
	case last == jet.LogTime{}:
		return fmt.Sprintf("found (%d)", n)
	}
	return fmt.Sprintf("found (%d)  %s", n, dumpTime(last))
}

func dumpPos(p jet.LogPos) string {
	return fmt.Sprintf("(0x%X,%X,%X)", uint32(p.Gen()), p.Isec(), p.Ib())
}

// dumpTime prints the fields of a time stamp as they stand, for damaged files too.
func dumpTime(t jet.LogTime) string {
	zone := "LOC"
	if t[6]&1 != 0 {
		zone = "UTC"
	}
	return dumpDate(t) + " " + zone
}

func dumpDate(t jet.LogTime) string {
	ms := int(t[6]>>1) | int(t[7]>>1&7)<<7
	return fmt.Sprintf("%02d/%02d/%04d %02d:%02d:%02d.%03d", t[4], t[3], int(t[5])+1900, t[2], t[1], t[0], ms)
}

func dumpSignature(s jet.Signature) string {
	var t jet.LogTime
	copy(t[:], s[4:])
	name, _, _ := bytes.Cut(s[12:], []byte{0})
	return fmt.Sprintf("Create time:%s Rand:%d Computer:%s", dumpDate(t), le.Uint32(s[:]), name)
}
