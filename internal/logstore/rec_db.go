package logstore

import "esent/internal/jet"

// Init begins an engine's use of the log: first record of a run, first in its segment (Init2; spec chapter
// 05, 13.9 and 23).
type Init struct {
	Params DBMSParams
	// Time is absent, zero, in the old form (Init).
	Time jet.LogTime
	// Old is the form without time.
	Old bool
}

func (r *Init) Type() RecType {
	if r.Old {
		return RecInit
	}
	return RecInit2
}

func (r *Init) Append(b []byte) []byte {
	b, p := grow(b, 1+DBMSParamsSize)
	p[0] = byte(r.Type())
	r.Params.Put(p[1:])
	if !r.Old {
		b = append(b, r.Time[:]...)
	}
	return b
}

func (r *Init) decode(b []byte) error {
	*r = Init{Params: GetDBMSParams(b[1:]), Old: RecType(b[0]) == RecInit}
	if !r.Old {
		copy(r.Time[:], b[568:])
	}
	return nil
}

// Term ends an engine's use of the log, or a recovery's. A log whose last record it is ended cleanly (spec
// chapter 05, 11.2 and 13.9).
type Term struct {
	// Kind is RecTerm2, RecRecoveryQuit2 or RecRecoveryQuitKeepAttachments; RecTerm and RecRecoveryQuit are
	// old forms without time.
	Kind RecType
	// Begin is the position of the record that began it: Init2 or RecoveryUndo2.
	Begin jet.LogPos
	// RedoFrom is where the recovery began, zero in Term2.
	RedoFrom jet.LogPos
	// Hard marks the end of a hard recovery.
	Hard bool
	Time jet.LogTime
}

func (r *Term) Type() RecType { return r.Kind }

func (r *Term) hasTime() bool { return r.Kind != RecTerm && r.Kind != RecRecoveryQuit }

func (r *Term) Append(b []byte) []byte {
	b = le.AppendUint64(append(b, byte(r.Kind)), uint64(r.Begin))
	b = le.AppendUint64(b, uint64(r.RedoFrom))
	b = append(b, boolByte(r.Hard))
	if r.hasTime() {
		b = append(b, r.Time[:]...)
	}
	return b
}

func (r *Term) decode(b []byte) error {
	*r = Term{Kind: RecType(b[0]), Begin: jet.LogPos(le.Uint64(b[1:])), RedoFrom: jet.LogPos(le.Uint64(b[9:])), Hard: b[17] != 0}
	if r.hasTime() {
		copy(r.Time[:], b[18:])
	}
	return nil
}

func boolByte(v bool) byte {
	if v {
		return 1
	}
	return 0
}

// RecoveryUndo begins the undo phase of a recovery: first in its segment (RecoveryUndo2).
type RecoveryUndo struct {
	Time jet.LogTime
	// Old is the form without time (RecoveryUndo).
	Old bool
}

func (r *RecoveryUndo) Type() RecType {
	if r.Old {
		return RecRecoveryUndo
	}
	return RecRecoveryUndo2
}

func (r *RecoveryUndo) Append(b []byte) []byte {
	b = append(b, byte(r.Type()))
	if !r.Old {
		b = append(b, r.Time[:]...)
	}
	return b
}

func (r *RecoveryUndo) decode(b []byte) error {
	*r = RecoveryUndo{Old: RecType(b[0]) == RecRecoveryUndo}
	if !r.Old {
		copy(r.Time[:], b[1:])
	}
	return nil
}

const (
	createDBHasVersion = 4
	createDBWide       = 8
	dbSparse           = 0x10
	attachDBWide       = 8
	detachDBWide       = 0x10
)

// CreateDB creates a database; the records that follow build its content (spec chapter 05, 13.9 and 20.2).
// Paths are encoded in UTF-16; old logs may hold them in 8-bit characters.
type CreateDB struct {
	Proc  jet.ProcID
	DB    jet.DBID
	Grbit jet.Grbit
	// MaxPages is the database's size limit in pages, 0 for none.
	MaxPages uint32
	SignDB   jet.Signature
	// HasVersion says that Version and UpdateMajor are present; 2 and 0 say that the content follows record
	// by record.
	HasVersion           bool
	Version, UpdateMajor uint16
	Sparse               bool
	Path                 string
}

func (r *CreateDB) Type() RecType { return RecCreateDB }

func (r *CreateDB) Append(b []byte) []byte {
	b = append(b, byte(RecCreateDB), byte(r.Proc), byte(r.Proc>>8), byte(r.DB))
	b = le.AppendUint32(b, uint32(r.Grbit))
	b = le.AppendUint32(b, r.MaxPages)
	b = append(b, r.SignDB[:]...)
	b = le.AppendUint16(b, uint16(pathSize(r.Path)))
	flags := byte(createDBWide)
	if r.HasVersion {
		flags |= createDBHasVersion
	}
	if r.Sparse {
		flags |= dbSparse
	}
	b = append(b, flags)
	if r.HasVersion {
		b = le.AppendUint16(b, r.Version)
		b = le.AppendUint16(b, r.UpdateMajor)
	}
	return appendPath(b, r.Path)
}

func (r *CreateDB) decode(b []byte) error {
	flags := b[42]
	*r = CreateDB{Proc: jet.ProcID(le.Uint16(b[1:])), DB: jet.DBID(b[3]), Grbit: jet.Grbit(le.Uint32(b[4:])),
		MaxPages: le.Uint32(b[8:]), HasVersion: flags&createDBHasVersion != 0, Sparse: flags&dbSparse != 0}
	copy(r.SignDB[:], b[12:])
	path := b[43:]
	if r.HasVersion {
		r.Version, r.UpdateMajor = le.Uint16(path), le.Uint16(path[2:])
		path = path[4:]
	}
	r.Path = getPath(path, flags&createDBWide != 0)
	return nil
}

// CreateDBFinish says that the new database's content is complete.
type CreateDBFinish struct {
	Proc jet.ProcID
	DB   jet.DBID
}

func (r *CreateDBFinish) Type() RecType { return RecCreateDBFinish }

func (r *CreateDBFinish) Append(b []byte) []byte {
	return append(b, byte(RecCreateDBFinish), byte(r.Proc), byte(r.Proc>>8), byte(r.DB))
}

func (r *CreateDBFinish) decode(b []byte) error {
	*r = CreateDBFinish{jet.ProcID(le.Uint16(b[1:])), jet.DBID(b[3])}
	return nil
}

// AttachDB attaches a database (spec chapter 05, 13.9 and 20.1).
type AttachDB struct {
	Proc     jet.ProcID
	DB       jet.DBID
	MaxPages uint32
	// Consistent and SignLog are the database header's values before this attach.
	Consistent      jet.LogPos
	SignDB, SignLog jet.Signature
	Sparse          bool
	Path            string
}

func (r *AttachDB) Type() RecType { return RecAttachDB }

func (r *AttachDB) Append(b []byte) []byte {
	b = append(b, byte(RecAttachDB), byte(r.Proc), byte(r.Proc>>8), byte(r.DB))
	b = le.AppendUint32(b, r.MaxPages)
	b = le.AppendUint64(b, uint64(r.Consistent))
	b = append(b, r.SignDB[:]...)
	b = append(b, r.SignLog[:]...)
	b = le.AppendUint16(b, uint16(pathSize(r.Path)))
	flags := byte(attachDBWide)
	if r.Sparse {
		flags |= dbSparse
	}
	return appendPath(append(b, flags), r.Path)
}

func (r *AttachDB) decode(b []byte) error {
	flags := b[74]
	*r = AttachDB{Proc: jet.ProcID(le.Uint16(b[1:])), DB: jet.DBID(b[3]), MaxPages: le.Uint32(b[4:]),
		Consistent: jet.LogPos(le.Uint64(b[8:])), Sparse: flags&dbSparse != 0, Path: getPath(b[75:], flags&attachDBWide != 0)}
	copy(r.SignDB[:], b[16:])
	copy(r.SignLog[:], b[44:])
	return nil
}

// DetachDB detaches a database: it is consistent at this record's position.
type DetachDB struct {
	Proc jet.ProcID
	DB   jet.DBID
	Path string
}

func (r *DetachDB) Type() RecType { return RecDetachDB }

func (r *DetachDB) Append(b []byte) []byte {
	b = append(b, byte(RecDetachDB), byte(r.Proc), byte(r.Proc>>8), byte(r.DB))
	b = le.AppendUint16(b, uint16(pathSize(r.Path)))
	return appendPath(append(b, detachDBWide), r.Path)
}

func (r *DetachDB) decode(b []byte) error {
	*r = DetachDB{jet.ProcID(le.Uint16(b[1:])), jet.DBID(b[3]), getPath(b[7:], b[6]&detachDBWide != 0)}
	return nil
}

// SignalAttachDb tells that a database is attached again after a recovery that kept attachments (rare).
type SignalAttachDb struct{ DB jet.DBID }

func (r *SignalAttachDb) Type() RecType { return RecSignalAttachDb }

func (r *SignalAttachDb) Append(b []byte) []byte {
	return append(b, byte(RecSignalAttachDb), byte(r.DB))
}

func (r *SignalAttachDb) decode(b []byte) error {
	r.DB = jet.DBID(b[1])
	return nil
}

// ReAttach confirms an attachment kept over a recovery (rare).
type ReAttach struct {
	DB                 jet.DBID
	Attach, Consistent jet.LogPos
	SignDB             jet.Signature
}

func (r *ReAttach) Type() RecType { return RecReAttach }

func (r *ReAttach) Append(b []byte) []byte {
	b = append(b, byte(RecReAttach), 45, 0, 0, 0, byte(r.DB))
	b = le.AppendUint64(b, uint64(r.Attach))
	b = le.AppendUint64(b, uint64(r.Consistent))
	return append(b, r.SignDB[:]...)
}

func (r *ReAttach) decode(b []byte) error {
	if len(b) < 50 {
		return errTruncated(RecReAttach)
	}
	*r = ReAttach{DB: jet.DBID(b[5]), Attach: jet.LogPos(le.Uint64(b[6:])), Consistent: jet.LogPos(le.Uint64(b[14:]))}
	copy(r.SignDB[:], b[22:])
	return nil
}

// SetDbVersion raises the format version in a database's header.
type SetDbVersion struct {
	DB                              jet.DBID
	Major, UpdateMajor, UpdateMinor uint32
}

func (r *SetDbVersion) Type() RecType { return RecSetDbVersion }

func (r *SetDbVersion) Append(b []byte) []byte {
	b = le.AppendUint32(append(b, byte(RecSetDbVersion), byte(r.DB)), r.Major)
	b = le.AppendUint32(b, r.UpdateMajor)
	return le.AppendUint32(b, r.UpdateMinor)
}

func (r *SetDbVersion) decode(b []byte) error {
	*r = SetDbVersion{jet.DBID(b[1]), le.Uint32(b[2:]), le.Uint32(b[6:]), le.Uint32(b[10:])}
	return nil
}
