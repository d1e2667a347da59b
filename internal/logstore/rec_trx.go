package logstore

import "esent/internal/jet"

// Session numbers with a meaning of their own (spec chapter 05, 13).
const (
	ProcNone     jet.ProcID = 0xFFFF
	ProcCleanup  jet.ProcID = 0xFFFC
	ProcCallback jet.ProcID = 0xFFFB
)

// Begin opens transaction levels of a session, deferred to the session's first record at that depth (spec
// chapter 05, 13.1 and 14). From 0 it is Begin0 and carries the transaction's number.
type Begin struct {
	Proc jet.ProcID
	// From is the level begun from, 0 to 15; Levels the number of levels, 1 to 15.
	From, Levels uint8
	// Trx is the begin time of the transaction; meaningful only from level 0.
	Trx jet.Trx
	// Distributed marks a transaction of a distributed commit (BeginDT; rare).
	Distributed bool
}

func (r *Begin) Type() RecType {
	switch {
	case r.From != 0:
		return RecBegin
	case r.Distributed:
		return RecBeginDT
	default:
		return RecBegin0
	}
}

func (r *Begin) Append(b []byte) []byte {
	b = append(b, byte(r.Type()), byte(r.Proc), byte(r.Proc>>8), r.From&0xF|r.Levels<<4)
	if r.From == 0 {
		b = le.AppendUint32(b, uint32(r.Trx))
	}
	return b
}

func (r *Begin) decode(b []byte) error {
	*r = Begin{Proc: jet.ProcID(le.Uint16(b[1:])), From: b[3] & 0xF, Levels: b[3] >> 4, Distributed: b[0] == byte(RecBeginDT)}
	if RecType(b[0]) == RecBegin {
		if r.From == 0 {
			return errMalformed(RecBegin, "level 0 without transaction number")
		}
		return nil
	}
	if r.From != 0 {
		return errMalformed(RecType(b[0]), "not from level 0")
	}
	r.Trx = jet.Trx(le.Uint32(b[4:]))
	return nil
}

// Commit ends levels down to level To, which is 1 or more (spec chapter 05, 15).
type Commit struct {
	Proc jet.ProcID
	To   uint8
}

func (r *Commit) Type() RecType { return RecCommit }

func (r *Commit) Append(b []byte) []byte {
	return append(b, byte(RecCommit), byte(r.Proc), byte(r.Proc>>8), r.To)
}

func (r *Commit) decode(b []byte) error {
	*r = Commit{Proc: jet.ProcID(le.Uint16(b[1:])), To: b[3]}
	return nil
}

// Commit0 ends a transaction: it is durable when the log is durable past this record (spec chapter 05, 15).
type Commit0 struct {
	Proc jet.ProcID
	// Trx is the commit time, from the same counter as begin times; it rises with the position in the log.
	Trx jet.Trx
}

// Commit0Size is the length of an encoded Commit0.
const Commit0Size = 8

func (r *Commit0) Type() RecType { return RecCommit0 }

func (r *Commit0) Append(b []byte) []byte {
	b = append(b, byte(RecCommit0), byte(r.Proc), byte(r.Proc>>8), 0)
	return le.AppendUint32(b, uint32(r.Trx))
}

func (r *Commit0) decode(b []byte) error {
	*r = Commit0{Proc: jet.ProcID(le.Uint16(b[1:])), Trx: jet.Trx(le.Uint32(b[4:]))}
	return nil
}

// Rollback ends the innermost Levels levels after their Undo records (spec chapter 05, 14).
type Rollback struct {
	Proc   jet.ProcID
	Levels uint8
}

func (r *Rollback) Type() RecType { return RecRollback }

func (r *Rollback) Append(b []byte) []byte {
	return append(b, byte(RecRollback), byte(r.Proc), byte(r.Proc>>8), r.Levels)
}

func (r *Rollback) decode(b []byte) error {
	*r = Rollback{Proc: jet.ProcID(le.Uint16(b[1:])), Levels: b[3]}
	return nil
}

// Refresh gives a session's transaction a new begin time (old logs only).
type Refresh struct {
	Proc jet.ProcID
	Trx  jet.Trx
}

func (r *Refresh) Type() RecType { return RecRefresh }

func (r *Refresh) Append(b []byte) []byte {
	b = append(b, byte(RecRefresh), byte(r.Proc), byte(r.Proc>>8))
	return le.AppendUint32(b, uint32(r.Trx))
}

func (r *Refresh) decode(b []byte) error {
	*r = Refresh{Proc: jet.ProcID(le.Uint16(b[1:])), Trx: jet.Trx(le.Uint32(b[3:]))}
	return nil
}

// Macro begins, commits or aborts a group of records that redo applies as one: a split, merge or page move
// (spec chapter 05, 14 and 21.3).
type Macro struct {
	// Kind is RecMacroBegin, RecMacroCommit or RecMacroAbort.
	Kind RecType
	Proc jet.ProcID
	// DBTime is the group's dbtime, its identity within the session.
	DBTime jet.DBTime
}

func (r *Macro) Type() RecType { return r.Kind }

func (r *Macro) Append(b []byte) []byte {
	b = append(b, byte(r.Kind), byte(r.Proc), byte(r.Proc>>8))
	return le.AppendUint64(b, uint64(r.DBTime))
}

func (r *Macro) decode(b []byte) error {
	*r = Macro{Kind: RecType(b[0]), Proc: jet.ProcID(le.Uint16(b[1:])), DBTime: jet.DBTime(le.Uint64(b[3:]))}
	return nil
}

// MacroInfo names the pages of the macro committed just before, as a hint for read-ahead. Encoded as
// MacroInfo for database 1, as MacroInfo2 for the others (spec chapter 05, 13.1).
type MacroInfo struct {
	DB    jet.DBID
	Pages []jet.Pgno
}

func (r *MacroInfo) Type() RecType {
	if r.DB == 1 {
		return RecMacroInfo
	}
	return RecMacroInfo2
}

func (r *MacroInfo) Append(b []byte) []byte {
	if r.DB == 1 {
		b = append(b, byte(RecMacroInfo))
		b = le.AppendUint32(b, uint32(4*len(r.Pages)))
	} else {
		b = append(b, byte(RecMacroInfo2))
		b = le.AppendUint32(b, uint32(5+4*len(r.Pages)))
		b = append(b, byte(r.DB))
		b = le.AppendUint32(b, uint32(len(r.Pages)))
	}
	for _, p := range r.Pages {
		b = le.AppendUint32(b, uint32(p))
	}
	return b
}

func (r *MacroInfo) decode(b []byte) error {
	*r = MacroInfo{DB: 1}
	list := b[5:]
	if RecType(b[0]) == RecMacroInfo2 {
		if len(b) < 10 || uint64(le.Uint32(b[6:]))*4 > uint64(len(b)-10) {
			return errMalformed(RecMacroInfo2, "page list too short")
		}
		r.DB = jet.DBID(b[5])
		list = b[10 : 10+4*le.Uint32(b[6:])]
	}
	r.Pages = make([]jet.Pgno, len(list)/4)
	for i := range r.Pages {
		r.Pages[i] = jet.Pgno(le.Uint32(list[4*i:]))
	}
	return nil
}

// Flags of CommitCtx: the application is to be told of it in redo; it holds the application's data; the application is
// to be told before and after the commit, which follows the record then.
const (
	CommitCtxCallback uint8 = 1
	CommitCtxData     uint8 = 2
	CommitCtxAround   uint8 = 4
)

// CommitCtx is the application's context of the commit or full rollback just before (spec chapter 05, 13.1).
type CommitCtx struct {
	Proc jet.ProcID
	// Flags: 2 the context holds client data, 1 and 4 concern the callback.
	Flags uint8
	Data  []byte
}

func (r *CommitCtx) Type() RecType { return RecCommitCtx }

func (r *CommitCtx) Append(b []byte) []byte {
	b = append(b, byte(RecCommitCtx))
	b = le.AppendUint32(b, uint32(3+len(r.Data)))
	b = append(b, byte(r.Proc), byte(r.Proc>>8), r.Flags)
	return append(b, r.Data...)
}

func (r *CommitCtx) decode(b []byte) error {
	if len(b) < 8 {
		return errTruncated(RecCommitCtx)
	}
	*r = CommitCtx{Proc: jet.ProcID(le.Uint16(b[5:])), Flags: b[7], Data: b[8:]}
	return nil
}

// PrepCommit prepares a distributed commit (rare).
type PrepCommit struct {
	Proc jet.ProcID
	Data []byte
}

func (r *PrepCommit) Type() RecType { return RecPrepCommit }

func (r *PrepCommit) Append(b []byte) []byte {
	b = append(b, byte(RecPrepCommit), byte(r.Proc), byte(r.Proc>>8))
	b = le.AppendUint32(b, uint32(len(r.Data)))
	return append(b, r.Data...)
}

func (r *PrepCommit) decode(b []byte) error {
	*r = PrepCommit{Proc: jet.ProcID(le.Uint16(b[1:])), Data: b[7:]}
	return nil
}

// SessionMark is a record that says no more than its type and session: PrepRollback or ForceWriteLog (rare).
type SessionMark struct {
	Kind RecType
	Proc jet.ProcID
}

func (r *SessionMark) Type() RecType { return r.Kind }

func (r *SessionMark) Append(b []byte) []byte {
	return append(b, byte(r.Kind), byte(r.Proc), byte(r.Proc>>8))
}

func (r *SessionMark) decode(b []byte) error {
	*r = SessionMark{Kind: RecType(b[0]), Proc: jet.ProcID(le.Uint16(b[1:]))}
	return nil
}
