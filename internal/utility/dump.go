package utility

import (
	"errors"
	"fmt"
	"io"

	"esent/internal/engine/dbfile"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
)

// DumpHeader prints a database's header, and what is wrong with its copies. That one is damaged is no failure.
func (t *Tool) DumpHeader(path string) (err error) {
	f, err := t.Env.FS.Open(path, vfs.ReadOnly)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h, copies, err := dbfile.ReadHeader(f)
	if err != nil {
		return err
	}
	if h.Magic != dbfile.Magic {
		return jet.ErrDatabaseCorrupted.Errorf("%s is no database", path)
	}
	if err := t.printf("DATABASE HEADER:\nChecksum: 0x%08x, correct\n", h.Checksum); err != nil {
		return err
	}
	if err := h.Dump(t.Out); err != nil {
		return err
	}
	switch {
	case !copies.Primary:
		return t.printf("\nWARNING: the primary copy of the header is damaged; this is its shadow.")
	case !copies.Shadow:
		return t.printf("\nWARNING: the shadow copy of the header is damaged or differs.")
	}
	return nil
}

// DumpLog prints a log file's header and records. Damage is told after the records that can be read.
func (t *Tool) DumpLog(path string) (err error) {
	l, err := logstore.OpenFile(t.Env.FS, path, logstore.Expect{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	h := l.Header
	res, scanErr := l.Scan(logstore.ScanReadOnly)
	if err := t.printf("LOG HEADER:\n  Generation: %d (0x%x)\n  Created: %s\n  Previous generation created: %s\n  Format: %d.%d.%d.%d\n"+
		"  Segments: %d, used up to %d\n  Database pages: %d bytes\n  Checkpoint when created: %s\n  Databases: %d",
		h.Gen, h.Gen, timeText(h.Created), timeText(h.PrevCreated), h.Version.Major, h.Version.Minor, h.Version.UpdateMajor,
		h.Version.UpdateMinor, h.Segments, res.Last, h.PageSize, posText(h.Checkpoint), len(h.Attachments)); err != nil {
		return err
	}
	if err := t.printf("\nRECORDS:"); err != nil {
		return err
	}
	n := 0
	for r := l.Records(0); ; n++ {
		e, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if err := t.printf("%s", logstore.DumpLine(e.Pos, e.Rec)); err != nil {
			return err
		}
	}
	if scanErr != nil {
		return scanErr
	}
	end := "it does not say so: the log is in use, or goes on in the next generation"
	if res.Clean {
		end = "the log says so"
	}
	return t.printf("\n%d records. Ended cleanly: %s.", n, end)
}

// DumpCheckpoint prints a checkpoint file.
func (t *Tool) DumpCheckpoint(path string) error {
	c, err := logstore.ReadCheckpoint(t.Env.FS, path, jet.Signature{})
	if err != nil {
		return err
	}
	err = t.printf("  Last full backup's checkpoint: %s\n  Checkpoint: %s\n  Databases consistent from: %s\n  Full backup: %s  %s\n"+
		"  Incremental backup: %s  %s", posText(c.LastFullBackup), posText(c.Pos), posText(c.DBConsistency), posText(c.FullBackup),
		timeText(c.FullBackupTime), posText(c.IncBackup), timeText(c.IncBackupTime))
	if err == nil && c.HasAttachments {
		err = t.printf("  Databases attached: %d", len(c.Attachments))
	}
	return err
}

func posText(p jet.LogPos) string {
	return fmt.Sprintf("(0x%X,%X,%X)", uint32(p.Gen()), p.Isec(), p.Ib())
}

func timeText(l jet.LogTime) string {
	if l == (jet.LogTime{}) {
		return "never"
	}
	return l.Time().UTC().Format("2006-01-02 15:04:05.000 UTC")
}
