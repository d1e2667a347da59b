package logstore

import (
	"encoding/binary"
	"slices"
	"unicode/utf16"

	"esent/internal/jet"
)

// Record is one log record. Every type of spec chapter 05, 12 that a current engine writes or reads has a
// struct in this package, and a page operation is that struct: the running engine applies it and appends it
// to the log, recovery decodes it and applies it with the same function.
//
// All methods have pointer receivers; Decode gives pointers.
type Record interface {
	// Type is the record's type byte.
	Type() RecType
	// Append encodes the record behind b. It allocates only to grow b.
	Append(b []byte) []byte
	// String is the record as one line of a log dump, without its position.
	String() string
}

// PageRecord is a record that changes a page or speaks of one in the common form (spec chapter 05, 13.2).
type PageRecord interface {
	Record
	// Page is the record's common part.
	Page() *PageOp
}

// NodeRecord is a record that concerns one node (spec chapter 05, 13.2 and 13.3).
type NodeRecord interface {
	PageRecord
	// Node is the record's node part.
	Node() *NodeOp
}

type decoder interface {
	Record
	// decode fills the record from b, which is exactly as long as Size says.
	decode(b []byte) error
}

// Decode gives the record that b begins with and its length n. Byte slices of the record alias b. Errors are
// those of Size, and JET_errLogCorrupted for lengths within the record that contradict each other.
func Decode(b []byte) (rec Record, n int, err error) {
	n, err = Size(b)
	if err != nil {
		return nil, 0, err
	}
	d := newRecord(RecType(b[0]))
	if err := d.decode(b[:n:n]); err != nil {
		return nil, 0, err
	}
	return d, n, nil
}

// newRecord makes an empty record of type t, which Size has accepted.
func newRecord(t RecType) decoder {
	switch t {
	case RecBegin, RecBegin0, RecBeginDT:
		return new(Begin)
	case RecCommit:
		return new(Commit)
	case RecCommit0:
		return new(Commit0)
	case RecRollback:
		return new(Rollback)
	case RecRefresh:
		return new(Refresh)
	case RecMacroBegin, RecMacroCommit, RecMacroAbort:
		return new(Macro)
	case RecMacroInfo, RecMacroInfo2:
		return new(MacroInfo)
	case RecCommitCtx:
		return new(CommitCtx)
	case RecPrepCommit:
		return new(PrepCommit)
	case RecPrepRollback, RecForceWriteLog:
		return new(SessionMark)
	case RecInsert:
		return new(Insert)
	case RecFlagInsert:
		return new(FlagInsert)
	case RecFlagInsertAndReplaceData:
		return new(FlagInsertAndReplaceData)
	case RecFlagDelete:
		return new(FlagDelete)
	case RecReplace, RecReplaceD:
		return new(Replace)
	case RecDelete:
		return new(Delete)
	case RecUndoInfo:
		return new(UndoInfo)
	case RecUndo:
		return new(Undo)
	case RecDelta, RecDelta64:
		return new(Delta)
	case RecSetExternalHeader:
		return new(SetExternalHeader)
	case RecEmptyTree:
		return new(EmptyTree)
	case RecScrub:
		return new(Scrub)
	case RecSplit2:
		return new(Split)
	case RecMerge2:
		return new(Merge)
	case RecPageMove:
		return new(PageMove)
	case RecRootPageMove:
		return new(RootPageMove)
	case RecCreateMultipleExtentFDP:
		return new(CreateMultipleExtentFDP)
	case RecCreateSingleExtentFDP:
		return new(CreateSingleExtentFDP)
	case RecConvertFDP2:
		return new(ConvertFDP)
	case RecNewPage:
		return new(NewPage)
	case RecExtendDB:
		return new(ExtendDB)
	case RecShrinkDB, RecShrinkDB2, RecShrinkDB3:
		return new(ShrinkDB)
	case RecTrimDB:
		return new(TrimDB)
	case RecExtentFreed, RecExtentFreed2:
		return new(ExtentFreed)
	case RecFreeFDP:
		return new(FreeFDP)
	case RecScanCheck:
		return new(ScanCheck)
	case RecScanCheck2:
		return new(ScanCheck2)
	case RecPagePatchRequest:
		return new(PagePatchRequest)
	case RecInit, RecInit2:
		return new(Init)
	case RecTerm, RecTerm2, RecRecoveryQuit, RecRecoveryQuit2, RecRecoveryQuitKeepAttachments:
		return new(Term)
	case RecRecoveryUndo, RecRecoveryUndo2:
		return new(RecoveryUndo)
	case RecCreateDB:
		return new(CreateDB)
	case RecCreateDBFinish:
		return new(CreateDBFinish)
	case RecAttachDB:
		return new(AttachDB)
	case RecDetachDB:
		return new(DetachDB)
	case RecSignalAttachDb:
		return new(SignalAttachDb)
	case RecReAttach:
		return new(ReAttach)
	case RecSetDbVersion:
		return new(SetDbVersion)
	case RecBackup2:
		return new(Backup)
	case RecTrace, RecForceLogRollover:
		return new(Trace)
	case RecJetOp:
		return new(JetOp)
	case RecFullBackup, RecIncBackup, RecExtRestore, RecExtRestore2, RecBackup:
		return new(RestoreMark)
	case RecFragmentBegin:
		return new(FragmentBegin)
	case RecFragment:
		return new(Fragment)
	case RecNOP, RecEnd, RecShutDownMark:
		return new(Mark)
	default: // NOP2 and the Ignored types
		return new(Filler)
	}
}

var le = binary.LittleEndian

// grow lengthens b by n bytes and gives it and the new part, whose content is undefined.
func grow(b []byte, n int) (all, added []byte) {
	at := len(b)
	b = slices.Grow(b, n)[:at+n]
	return b, b[at:]
}

// appendPath appends a path in UTF-16 with its terminator.
func appendPath(b []byte, path string) []byte {
	for _, u := range utf16.Encode([]rune(path)) {
		b = le.AppendUint16(b, u)
	}
	return le.AppendUint16(b, 0)
}

// pathSize is the number of bytes appendPath adds.
func pathSize(path string) int {
	n := 2
	for _, r := range path {
		n += 2 * max(1, utf16.RuneLen(r))
	}
	return n
}

// getPath reads a terminated path; the bytes behind the terminator do not count.
func getPath(b []byte, wide bool) string {
	if !wide {
		for i, c := range b {
			if c == 0 {
				b = b[:i]
				break
			}
		}
		return string(b)
	}
	u := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		c := le.Uint16(b)
		if c == 0 {
			break
		}
		u = append(u, c)
	}
	return string(utf16.Decode(u))
}

func errMalformed(t RecType, what string) error {
	return jet.ErrLogCorrupted.Errorf("log record %s: %s", t, what)
}
