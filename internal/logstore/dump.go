package logstore

import (
	"fmt"
	"strings"

	"esent/internal/jet"
)

// The String methods give records as `esentutl /ml /v` shows them behind the position, user data left out.

// DumpLine is a record with its position as a dump shows it.
func DumpLine(pos jet.LogPos, rec Record) string {
	return fmt.Sprintf(">%08X,%04X,%04X %s", uint32(pos.Gen()), pos.Isec(), pos.Ib(), rec)
}

func line(t RecType, format string, args ...any) string {
	return strings.TrimRight(fmt.Sprintf("%-9s ", t)+fmt.Sprintf(format, args...), " ")
}

func (p *PageOp) times() string {
	return fmt.Sprintf("%x,%x,%x:%d", p.DBTime, p.DBTimeBefore, p.Trx, p.Level)
}

func (p *PageOp) place() string { return fmt.Sprintf("(%x,[%d:%d:%d]", p.Proc, p.DB, p.Pgno, p.Line) }

func (p *PageOp) page(pgno jet.Pgno) string { return fmt.Sprintf("[%d:%d]", p.DB, pgno) }

func (p *PageOp) object(id jet.ObjID) string { return fmt.Sprintf("[%d:%d]", p.DB, id) }

func (p *PageOp) choose(flag uint8, set, clear string) string {
	if p.Flags&flag != 0 {
		return set
	}
	return clear
}

func (p *PageOp) unique() string     { return p.choose(OpUnique, "U", "NU") }
func (p *PageOp) versioned() string  { return p.choose(OpVersioned, "V", "NV") }
func (p *PageOp) deleted() string    { return p.choose(OpDeleted, "D", "ND") }
func (p *PageOp) space() string      { return p.choose(OpSpace, "SP", "NSP") }
func (p *PageOp) concurrent() string { return p.choose(OpConcurrent, "CI", "NCI") }
func (p *PageOp) task() string       { return p.choose(OpSystemTask, "SYS", "USR") }

func (r *Begin) String() string {
	s := fmt.Sprintf("(%x,from:%d,to:%d)", r.Proc, r.From, r.From+r.Levels)
	if r.From == 0 {
		s += fmt.Sprintf(" %x", r.Trx)
	}
	return line(r.Type(), "%s", s)
}

func (r *Commit) String() string   { return line(r.Type(), "(%x,to:%d)", r.Proc, r.To) }
func (r *Commit0) String() string  { return line(r.Type(), "(%x,to:0) %x", r.Proc, r.Trx) }
func (r *Rollback) String() string { return line(r.Type(), "(%x,%d)", r.Proc, r.Levels) }
func (r *Refresh) String() string  { return line(r.Type(), "(%x) %x", r.Proc, r.Trx) }
func (r *Macro) String() string    { return line(r.Type(), "(%x) %x", r.Proc, r.DBTime) }

func (r *MacroInfo) String() string {
	var s strings.Builder
	for _, p := range r.Pages {
		fmt.Fprintf(&s, "[%d:%d],", r.DB, p)
	}
	return line(r.Type(), "%s", &s)
}

func (r *CommitCtx) String() string {
	return line(r.Type(), "(%x,flags:%x,%d bytes)", r.Proc, r.Flags, len(r.Data))
}

func (r *PrepCommit) String() string  { return line(r.Type(), "(%x,%d bytes)", r.Proc, len(r.Data)) }
func (r *SessionMark) String() string { return line(r.Type(), "(%x)", r.Proc) }

func (r *Insert) String() string {
	return line(r.Type(), "%s%s,%s:%s:%s:%s:%s:%s,%d,%d,%d,rceid:%d,objid:%s)<Data>", r.times(), r.place(), r.unique(), r.versioned(),
		r.deleted(), r.space(), r.task(), r.concurrent(), r.PrefixLen, len(r.Key)-r.PrefixLen, len(r.Data), r.RCE, r.object(r.ObjID))
}

func (r *FlagInsert) String() string {
	return line(r.Type(), "%s%s,%s:%s:%s:%s:%s:%s,rceid:%d,objid:%s)", r.times(), r.place(), r.unique(), r.versioned(), r.deleted(),
		r.space(), r.task(), r.concurrent(), r.RCE, r.object(r.ObjID))
}

func (r *FlagInsertAndReplaceData) String() string {
	return line(r.Type(), "%s%s,%s:%s:%s:%s:%s,%5d,rceidInsert:%d,rceidReplace:%d,objid:%s)<Data>", r.times(), r.place(), r.unique(),
		r.versioned(), r.space(), r.task(), r.concurrent(), len(r.Key)+len(r.Data), r.RCE, r.RCEReplace, r.object(r.ObjID))
}

func (r *FlagDelete) String() string {
	return line(r.Type(), "%s%s,%s:%s:%s:%s:%s),rceid:%d,objid:%s", r.times(), r.place(), r.unique(), r.versioned(), r.space(), r.task(),
		r.concurrent(), r.RCE, r.object(r.ObjID))
}

func (r *Delete) String() string {
	return line(r.Type(), "%s%s,%s:%s:%s,objid:%s)", r.times(), r.place(), r.unique(), r.space(), r.task(), r.object(r.ObjID))
}

func (r *Replace) String() string {
	s := line(r.Type(), "%s%s,%s:%s:%s:%s:%s,%5d,%5d,%5d,rceid:%d,objid:%s)", r.times(), r.place(), r.unique(), r.versioned(),
		r.space(), r.task(), r.concurrent(), len(r.Data), r.NewSize, r.OldSize, r.RCE, r.object(r.ObjID))
	if r.IsDiff {
		return s
	}
	return s + "<Data>"
}

// DiffLines are the further lines a dump has for ReplaceD, one a difference.
func (r *Replace) DiffLines() []string {
	var lines []string
	for list := r.Data; len(list) > 0; {
		e, rest, err := nextDiff(list, r.LargeDiff)
		if err != nil {
			return append(lines, "ReplDiff  damaged")
		}
		list = rest
		var s string
		switch {
		case e.SameSize:
			s = fmt.Sprintf("ReplaceWithSameLength (%d)", len(e.New))
		case e.Insert:
			s = fmt.Sprintf("InsertWithValue (%d)", len(e.New))
		default:
			s = fmt.Sprintf("ReplaceWithNewValue (%d=>%d)", e.OldLen, len(e.New))
		}
		width := 1 + boolByte(e.Wide)
		lines = append(lines, fmt.Sprintf("ReplDiff  %s%s,objid:%s,[ Offs:%d %dB %s: <Data>])", r.times(), r.place(), r.object(r.ObjID), e.Offset, width, s))
	}
	return lines
}

func (r *UndoInfo) String() string {
	return line(r.Type(), "%x:%d(%x,%s,%s:%s,%d,%d,%d,rceid:%d,objid:%s)<Data>", r.Trx, r.Level, r.Proc, r.page(r.Pgno), r.unique(), r.task(),
		len(r.Key), len(r.BookmarkData), len(r.Image), r.RCE, r.object(r.ObjID))
}

func (r *Undo) String() string {
	return line(r.Type(), "%s%s,%s:%s,%d,%d,rceid:%d)", r.times(), r.place(), r.unique(), r.task(), r.UndoLevel, r.Oper, r.RCE)
}

func (r *Delta) String() string {
	return line(r.Type(), "%s%s,%s:%s:%s:%s,%d,offset:%d,rceid:%d,objid:%s)", r.times(), r.place(), r.unique(), r.versioned(), r.task(),
		r.concurrent(), r.Value, r.Offset, r.RCE, r.object(r.ObjID))
}

func (r *SetExternalHeader) String() string {
	return line(r.Type(), "%s(%x,%s,%s:%s:%s,%5d)<Data>", r.times(), r.Proc, r.page(r.Pgno), r.unique(), r.space(), r.task(), len(r.Data))
}

func (r *EmptyTree) String() string {
	return line(r.Type(), "%s(%x,%s,%s:%s:%s,%d pages,objid:%s)", r.times(), r.Proc, r.page(r.Pgno), r.unique(), r.space(), r.task(),
		len(r.Pages), r.object(r.ObjID))
}

func (r *Scrub) String() string {
	return line(r.Type(), "%s(%x,%s,flags:%x,%d operations,objid:%s)", r.times(), r.Proc, r.page(r.Pgno), r.PageFlags, r.Count, r.object(r.ObjID))
}

var splitKinds = map[SplitKind]string{SplitVertical: "SplitVertical", SplitRight: "SplitRight", SplitAppend: "Append"}

var splitOpers = map[SplitOper]string{SplitOperNone: "None", SplitOperInsert: "Insert", SplitOperReplace: "Replace",
	SplitOperFlagInsertAndReplaceData: "FlagInsertAndReplaceData"}

func nameOr[K ~uint8](names map[K]string, k K) string {
	if s, ok := names[k]; ok {
		return s
	}
	return fmt.Sprintf("%d", k)
}

// sibling is a page and its dbtime before, which counts only if there is a page.
func (p *PageOp) sibling(before jet.DBTime, pgno jet.Pgno) string {
	if pgno == jet.PgnoNull {
		before = 0
	}
	return fmt.Sprintf("%x,%s", before, p.page(pgno))
}

func (r *Split) String() string {
	if r.NewPage == jet.PgnoNull {
		return line(r.Type(), "ParentOfSplitPage %s(%x,parent:%x,%s)", r.times(), r.Proc, r.DBTimeParentBefore, r.page(r.Pgno))
	}
	kind := nameOr(splitKinds, r.Kind)
	if r.Kind == SplitRight && r.Oper == SplitOperInsert && r.LineSplit == r.LineOper && int(r.LineSplit) == int(r.Lines)-1 {
		kind = "SplitHotpoint" // the new node alone moves, though there is a right sibling
	}
	return line(r.Type(), "%s %s(%x,split:[%d:%d:%d],oper/last:[%d/%d],new:%s,parent:%s,right:%s, objid:%s, %s:%s:%s:%s, splitoper:%s, beforeImage:%d[%s])",
		kind, r.times(), r.Proc, r.DB, r.Pgno, r.LineSplit, r.LineOper, int(r.Lines)-1, r.page(r.NewPage),
		r.sibling(r.DBTimeParentBefore, r.Parent), r.sibling(r.DBTimeRightBefore, r.Right), r.object(r.ObjID), r.unique(), r.space(), r.task(), r.concurrent(),
		nameOr(splitOpers, r.Oper), len(r.Image), imageForm(r.ImageFlags))
}

func imageForm(flags uint32) string {
	s := ""
	if flags&ImageDehydrated != 0 {
		s += "D"
	}
	if flags&ImageCompressed != 0 {
		s += "X"
	}
	return s
}

var mergeKinds = map[MergeKind]string{MergeNone: "None", MergeEmptyPage: "EmptyPage", MergeFullRight: "FullRight",
	MergePartialRight: "PartialRight", MergeEmptyTree: "EmptyTree", MergeFullLeft: "FullLeft", MergePartialLeft: "PartialLeft",
	MergePageMove: "PageMove"}

func (r *Merge) String() string {
	choose := func(flag uint8, set, clear string) string {
		if r.MergeFlags&flag != 0 {
			return set
		}
		return clear
	}
	return line(r.Type(), "%s(%x,merge:[%d:%d:%d],right:%s,left:%s,parent:%s,%s:%s:%s:%s:%s:%s:%s,size:%d,maxsize:%d,uncfree:%d,beforeImage:%d[%s])<Data>",
		r.times(), r.Proc, r.DB, r.Pgno, r.LineMerge, r.sibling(r.DBTimeRightBefore, r.Right), r.sibling(r.DBTimeLeftBefore, r.Left),
		r.sibling(r.DBTimeParentBefore, r.Parent), r.unique(), r.space(), r.task(), choose(MergeKeyChange, "KC", "NKC"),
		choose(MergeEmptiesPage, "EP", "NEP"), choose(MergeDeleteNode, "D", "ND"), nameOr(mergeKinds, r.Kind), r.SizeTotal, r.SizeMaximum,
		r.UncommittedFree, len(r.Image), imageForm(r.ImageFlags))
}

func (r *PageMove) String() string {
	return line(r.Type(), "%s(%x,%s=>%s,left:%x,%s,right:%x,%s,parent:%x,[%d:%d:%d],flags:%x,objid:%s)", r.times(), r.Proc, r.page(r.Pgno), r.page(r.Dest),
		r.DBTimeLeftBefore, r.page(r.Left), r.DBTimeRightBefore, r.page(r.Right), r.DBTimeParentBefore, r.DB, r.Parent, r.LineParent,
		r.MoveFlags, r.object(r.ObjID))
}

func (r *RootPageMove) String() string {
	return line(r.Type(), "%x(%x,objid:[%d:%d])", r.DBTime, r.Proc, r.DB, r.ObjID)
}

func (r *CreateMultipleExtentFDP) String() string {
	return line(r.Type(), "%x,%x:%d(%x,FDP:%s,OE:%s,AE:%s,FDPParent:%s,objid:%s,PageFlags:[0x%x],%d,%s:%s)", r.DBTime, r.Trx, r.Level, r.Proc,
		r.page(r.Pgno), r.page(r.OE), r.page(r.AE), r.page(r.FDPParent), r.object(r.ObjID), r.PageFlags, r.Primary, r.unique(), r.task())
}

func (r *CreateSingleExtentFDP) String() string {
	return line(r.Type(), "%x,%x:%d(%x,%s,%s,[%d],PageFlags:[0x%x]%d,%s:%s)", r.DBTime, r.Trx, r.Level, r.Proc, r.page(r.Pgno), r.page(r.FDPParent),
		r.ObjID, r.PageFlags, r.Primary, r.unique(), r.task())
}

func (r *ConvertFDP) String() string {
	return line(r.Type(), "%s(%x,%s,%s,[%d],+%d,%s,+%d,%s:%s)", r.times(), r.Proc, r.page(r.Pgno), r.page(r.FDPParent), r.ObjID, r.Primary,
		r.page(r.SecondaryFirst), r.Secondary, r.unique(), r.task())
}

func (r *NewPage) String() string {
	return line(r.Type(), "%x,(%x,page:[%d:%d],objid:[%d:%d])", r.DBTime, r.Proc, r.DB, r.Pgno, r.DB, r.ObjID)
}

func (r *ExtendDB) String() string { return line(r.Type(), "[%d:%d]", r.DB, r.Last) }
func (r *ShrinkDB) String() string {
	return line(r.Type(), "[%d:%d],-%d,%x", r.DB, r.Last, r.Shrunk, r.DBTime)
}
func (r *TrimDB) String() string { return line(r.Type(), "[%d:%d],+%d", r.DB, r.First, r.Pages) }
func (r *ExtentFreed) String() string {
	return line(r.Type(), "[%d:%d],+%d,flags:%x,%x", r.DB, r.First, r.Pages, r.Flags, r.DBTime)
}
func (r *FreeFDP) String() string {
	return line(r.Type(), "[%d:%d],%x,type:%d", r.DB, r.FDP, r.TrxCommitted, r.Kind)
}
func (r *ScanCheck) String() string {
	return line(r.Type(), "[%d:%d],%x,%x,checksum:%x", r.DB, r.Pgno, r.DBTimePage, r.DBTimeCurrent, r.Checksum)
}
func (r *ScanCheck2) String() string {
	return line(r.Type(), "[%d:%d],flags:%x,%x,%x,checksum:%x", r.DB, r.Pgno, r.Flags, r.DBTimePage, r.DBTimeCurrent, r.Checksum)
}
func (r *PagePatchRequest) String() string {
	return line(r.Type(), "[%d:%d],%x", r.DB, r.Pgno, r.DBTime)
}

// dumpTime is a time as records show it: the hour without leading zero.
func dumpTime(l jet.LogTime) string {
	t := l.Time()
	return fmt.Sprintf("%02d/%02d/%d %d:%02d:%02d.%03d", t.Month(), t.Day(), t.Year(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond()/1e6)
}

func (r *Init) String() string { return line(r.Type(), "(%s)", dumpTime(r.Time)) }
func (r *Term) String() string {
	switch r.Kind {
	case RecTerm2:
		return line(r.Type(), "(%s)", dumpTime(r.Time))
	default:
		return line(r.Type(), "(%s,from:%s,%s)", r.Begin, r.RedoFrom, dumpTime(r.Time))
	}
}
func (r *RecoveryUndo) String() string { return line(r.Type(), "(%s)", dumpTime(r.Time)) }

// signature is a signature as a dump shows it.
func signature(s jet.Signature, noComputer string) string {
	var l jet.LogTime
	copy(l[:], s[4:])
	t := l.Time()
	name := cString(s[12:])
	if name == "" {
		name = noComputer
	}
	return fmt.Sprintf("Create time:%02d/%02d/%d %02d:%02d:%02d.%03d Rand:%d Computer:%s", t.Month(), t.Day(), t.Year(), t.Hour(), t.Minute(), t.Second(),
		t.Nanosecond()/1e6, le.Uint32(s[:]), name)
}

func (r *CreateDB) String() string {
	return line(r.Type(), "(%x,%s,%d) Version: 0x%x,0x%x cpgMax: %d Sig: %s sparse: %d", r.Proc, r.Path, r.DB, r.Version, r.UpdateMajor, r.MaxPages,
		signature(r.SignDB, "<None>"), boolByte(r.Sparse))
}
func (r *CreateDBFinish) String() string { return line(r.Type(), "(%x,%d)", r.Proc, r.DB) }
func (r *AttachDB) String() string {
	return line(r.Type(), "(%x,%s,%d) consistent:%s sigDb: %s sigLog: %s cpgMax: %d sparse: %d", r.Proc, r.Path, r.DB, r.Consistent,
		signature(r.SignDB, "<None>"), signature(r.SignLog, "<None>"), r.MaxPages, boolByte(r.Sparse))
}
func (r *DetachDB) String() string       { return line(r.Type(), "(%x,%s,%d)", r.Proc, r.Path, r.DB) }
func (r *SignalAttachDb) String() string { return line(r.Type(), "(%d)", r.DB) }
func (r *ReAttach) String() string {
	return line(r.Type(), "(%d,attach:%s,consistent:%s,%s)", r.DB, r.Attach, r.Consistent, signature(r.SignDB, "<None>"))
}
func (r *SetDbVersion) String() string {
	return line(r.Type(), "(dbid:%d, DB ver:%d.%d.%d)", r.DB, r.Major, r.UpdateMajor, r.UpdateMinor)
}
func (r *Backup) String() string {
	return line(r.Type(), "(phase:%d,type:%d,scope:%d,dbid:%d,mark:%s,gens:%d-%d)", r.Phase, r.Kind, r.Scope, r.DB, r.Info.Mark, r.Info.GenLow, r.Info.GenHigh)
}
func (r *RestoreMark) String() string { return line(r.Type(), "%q", r.Text) }
func (r *Trace) String() string       { return line(r.Type(), "(%x) %s", r.Proc, cString(r.Text)) }
func (r *JetOp) String() string       { return line(r.Type(), "(%x,%d)", r.Proc, r.Op) }
func (r *Mark) String() string        { return line(r.Type(), "") }
func (r *Filler) String() string {
	return line(r.Type(), "(lrtyp = %d, %d bytes)", r.Kind, len(r.Data))
}
func (r *FragmentBegin) String() string { return line(r.Type(), "%d of %d", len(r.Piece), r.Total) }
func (r *Fragment) String() string      { return line(r.Type(), "%d", len(r.Piece)) }
