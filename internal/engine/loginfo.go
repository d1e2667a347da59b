package engine

import (
	"encoding/binary"
	"errors"
	"strings"

	"esent/internal/engine/dbfile"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// Levels of JetGetLogFileInfo.
const (
	logInfoMisc  = 0
	logInfoMisc2 = 1
	logInfoMisc3 = 2
)

// LogFileInfo fills buf with what the header of a log file says (JetGetLogFileInfo): JET_LOGINFOMISC, …2 or …3, by level.
// ErrFileNotFound, ErrInvalidParameter: no such level; ErrInvalidBufferSize; and what may be wrong with a log header
// (spec chapter 05, 4).
func (p *Process) LogFileInfo(file string, level uint32, buf []byte) error {
	h, err := p.logHeader(file)
	if err != nil {
		return err
	}
	m := misc{}
	m.u32(uint32(h.Gen))
	m.signature(h.SignLog)
	m.time(h.Created)
	m.time(h.PrevCreated)
	minor, update := h.Version.Minor, h.Version.UpdateMajor
	if level == logInfoMisc3 {
		minor, update = h.Version.UpdateMajor, h.Version.UpdateMinor
	}
	// Whatever their names say, the sizes of header and file are in sectors.
	const headerSectors = 1
	m.u32(uint32(h.Flags), h.Version.Major, minor, update, logstore.SegmentSize, headerSectors, uint32(h.Segments), uint32(h.PageSize))
	switch level {
	case logInfoMisc:
	case logInfoMisc2:
		m.pos(h.Checkpoint)
	case logInfoMisc3:
		m.pos(h.Checkpoint)
		m.u32(h.Version.Minor, 0)
		m.b = binary.LittleEndian.AppendUint64(m.b, h.PrevChecksum)
	default:
		return jet.ErrInvalidParameter.Errorf("level %d", level)
	}
	if len(buf) != len(m.b) {
		return jet.ErrInvalidBufferSize
	}
	copy(buf, m.b)
	return nil
}

// logHeader reads the header of a log that belongs to no instance here.
func (p *Process) logHeader(file string) (*logstore.Header, error) {
	abs, err := p.env.FS.Abs(strings.ReplaceAll(file, `\`, "/"))
	if err != nil {
		return nil, jet.ErrInvalidPath.Errorf("%v", err)
	}
	h, err := logstore.ReadHeader(p.env.FS, abs)
	if err != nil && jet.CodeOf(err) == jet.ErrMissingLogFile {
		return nil, jet.ErrFileNotFound.Errorf("%s", abs)
	}
	return h, err
}

// RemoveLog lets a database do without the last log of those that it has committed changes in, so that the log can be
// deleted before recovery (JetRemoveLogfile). Nothing happens when it holds no change of the database. ErrInvalidParameter:
// grbit is not 0, the database is clean, the log is of another stream, is required for the database to be sound, or others
// follow it. ErrFileAccessDenied: the database is in use here.
func (p *Process) RemoveLog(database, log string, grbit jet.Grbit) (err error) {
	if grbit != 0 || database == "" || log == "" {
		return jet.ErrInvalidParameter
	}
	abs, err := p.env.FS.Abs(strings.ReplaceAll(database, `\`, "/"))
	if err != nil {
		return jet.ErrInvalidPath.Errorf("%v", err)
	}
	for _, i := range p.Instances() {
		if i.gate.Load()&gateNotInitialised == 0 && i.attachedAs(abs) != nil {
			return jet.ErrFileAccessDenied.Errorf("%s is attached", abs)
		}
	}
	f, err := dbfile.Open(p.env, abs, dbfile.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	l, err := p.logHeader(log)
	if err != nil {
		return err
	}
	h := f.Header()
	switch {
	case h.State != dbfile.StateDirty, h.SignLog != l.SignLog:
		return jet.ErrInvalidParameter.Errorf("%s does not belong to %s, or is clean", abs, log)
	case l.Gen > h.GenMaxCommitted:
		return nil
	case l.Gen < h.GenMaxCommitted, l.Gen <= h.GenMaxRequired:
		return jet.ErrInvalidParameter.Errorf("generation %d of %d to %d, committed up to %d", l.Gen, h.GenMinRequired, h.GenMaxRequired, h.GenMaxCommitted)
	}
	f.UpdateHeader(func(h *dbfile.Header) {
		for _, b := range []struct {
			info *jet.BackupInfo
			kind *uint32
		}{{&h.FullPrev, &h.FullPrevType}, {&h.IncPrev, &h.IncPrevType}, {&h.CopyPrev, &h.CopyPrevType}, {&h.DiffPrev, &h.DiffPrevType}} {
			if b.info.Mark.Gen() == l.Gen {
				*b.info, *b.kind = jet.BackupInfo{}, 0
			}
		}
		h.GenMaxCommitted, h.GenMaxCreatedAt = l.Gen-1, jet.LogTime{}
		h.GenRecovering = 0
	})
	return f.WriteHeader()
}
