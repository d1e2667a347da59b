package logstore

import "esent/internal/jet"

// Phases of a Backup record (spec chapter 06, 3.6).
const (
	BackupBegin       uint8 = 1
	BackupPrepareLogs uint8 = 2
	BackupTruncate    uint8 = 3
	BackupUpdate      uint8 = 4
	BackupAbort       uint8 = 5
	BackupStop        uint8 = 6
)

// Scopes of a Backup record.
const (
	BackupFull         uint8 = 1
	BackupIncremental  uint8 = 2
	BackupCopy         uint8 = 5
	BackupDifferential uint8 = 6
)

// Backup is one step of an online backup (Backup2, spec chapter 06, 3.6). Only BackupUpdate has an effect in
// redo: the stamp of DB's header.
type Backup struct {
	// Phase is BackupBegin to BackupStop.
	Phase uint8
	// Kind is the backup type: 0 normal, 1 OS snapshot, 3 surrogate.
	Kind uint32
	// Scope is BackupFull to BackupDifferential.
	Scope uint8
	// DB is set in BackupUpdate only.
	DB jet.DBID
	// Info: mark only in BackupUpdate; generations in BackupUpdate and, as the range deleted, BackupTruncate.
	Info jet.BackupInfo
	// Path is empty in records of a current engine.
	Path []byte
}

func (r *Backup) Type() RecType { return RecBackup2 }

func (r *Backup) Append(b []byte) []byte {
	b, p := grow(b, 35)
	p[0], p[1] = byte(RecBackup2), r.Phase
	le.PutUint32(p[2:], r.Kind)
	p[6], p[7] = r.Scope, byte(r.DB)
	r.Info.Put(p[8:])
	p[32] = 0
	le.PutUint16(p[33:], uint16(len(r.Path)))
	return append(b, r.Path...)
}

func (r *Backup) decode(b []byte) error {
	*r = Backup{Phase: b[1], Kind: le.Uint32(b[2:]), Scope: b[6], DB: jet.DBID(b[7]), Info: jet.GetBackupInfo(b[8:]), Path: b[35:]}
	return nil
}

// RestoreMark is a remark on a backup or restore: ExtRestore2, and in old logs ExtRestore, FullBackup,
// IncBackup and Backup.
type RestoreMark struct {
	Kind RecType
	// BackupKind is the old Backup record's kind.
	BackupKind uint8
	Text       []byte
}

func (r *RestoreMark) Type() RecType { return r.Kind }

func (r *RestoreMark) Append(b []byte) []byte {
	b = append(b, byte(r.Kind))
	if r.Kind == RecBackup {
		b = append(b, r.BackupKind, 0)
	}
	b = le.AppendUint16(b, uint16(len(r.Text)))
	return append(b, r.Text...)
}

func (r *RestoreMark) decode(b []byte) error {
	*r = RestoreMark{Kind: RecType(b[0]), Text: b[3:]}
	if r.Kind == RecBackup {
		r.BackupKind, r.Text = b[1], b[5:]
	}
	return nil
}

// Trace is a remark in the log for its reader, or with Rollover (ForceLogRollover) the reason for a new
// generation.
type Trace struct {
	Proc     jet.ProcID
	Rollover bool
	// Text is in 8-bit characters, with a terminating zero byte in a current engine's records.
	Text []byte
}

func (r *Trace) Type() RecType {
	if r.Rollover {
		return RecForceLogRollover
	}
	return RecTrace
}

func (r *Trace) Append(b []byte) []byte {
	b = append(b, byte(r.Type()), byte(r.Proc), byte(r.Proc>>8))
	b = le.AppendUint16(b, uint16(len(r.Text)))
	return append(b, r.Text...)
}

func (r *Trace) decode(b []byte) error {
	*r = Trace{Proc: jet.ProcID(le.Uint16(b[1:])), Rollover: RecType(b[0]) == RecForceLogRollover, Text: b[5:]}
	return nil
}

// JetOp names an API call, for debugging (rare).
type JetOp struct {
	Proc jet.ProcID
	Op   uint8
}

func (r *JetOp) Type() RecType { return RecJetOp }

func (r *JetOp) Append(b []byte) []byte {
	return append(b, byte(RecJetOp), byte(r.Proc), byte(r.Proc>>8), r.Op)
}

func (r *JetOp) decode(b []byte) error {
	*r = JetOp{jet.ProcID(le.Uint16(b[1:])), b[3]}
	return nil
}

// Mark is a record that is its type byte: ShutDownMark, NOP or End.
type Mark struct{ Kind RecType }

func (r *Mark) Type() RecType { return r.Kind }

func (r *Mark) Append(b []byte) []byte { return append(b, byte(r.Kind)) }

func (r *Mark) decode(b []byte) error {
	r.Kind = RecType(b[0])
	return nil
}

// Filler is a record to be skipped: NOP2, which fills a segment, or one of the Ignored types, which later
// engines may write.
type Filler struct {
	Kind RecType
	Data []byte
}

func (r *Filler) Type() RecType { return r.Kind }

func (r *Filler) Append(b []byte) []byte {
	b = le.AppendUint32(append(b, byte(r.Kind)), uint32(len(r.Data)))
	return append(b, r.Data...)
}

func (r *Filler) decode(b []byte) error {
	*r = Filler{RecType(b[0]), b[5:]}
	return nil
}

const (
	fragmentBeginSize = 7
	fragmentSize      = 3
)

// FragmentBegin is the first piece of a record that did not fit in its segment (spec chapter 05, 8). The
// reader assembles pieces; only a dump shows them.
type FragmentBegin struct {
	// Total is the size of the whole record.
	Total uint32
	Piece []byte
}

func (r *FragmentBegin) Type() RecType { return RecFragmentBegin }

func (r *FragmentBegin) Append(b []byte) []byte {
	b = le.AppendUint32(append(b, byte(RecFragmentBegin)), r.Total)
	b = le.AppendUint16(b, uint16(len(r.Piece)))
	return append(b, r.Piece...)
}

func (r *FragmentBegin) decode(b []byte) error {
	*r = FragmentBegin{le.Uint32(b[1:]), b[7:]}
	return nil
}

// Fragment is a further piece, first in its segment.
type Fragment struct{ Piece []byte }

func (r *Fragment) Type() RecType { return RecFragment }

func (r *Fragment) Append(b []byte) []byte {
	b = le.AppendUint16(append(b, byte(RecFragment)), uint16(len(r.Piece)))
	return append(b, r.Piece...)
}

func (r *Fragment) decode(b []byte) error {
	r.Piece = b[3:]
	return nil
}
