package logstore

import "esent/internal/jet"

// SplitKind is how a page is split (spec chapter 05, 13.5).
type SplitKind uint8

const (
	// SplitVertical makes the page, a root, the parent of the new page.
	SplitVertical SplitKind = 0
	// SplitRight moves the upper lines to the new page.
	SplitRight SplitKind = 1
	// SplitAppend puts only the node being inserted on the new page.
	SplitAppend SplitKind = 2
)

// SplitOper is the leaf operation that a split is done for.
type SplitOper uint8

const (
	SplitOperNone                     SplitOper = 0
	SplitOperInsert                   SplitOper = 1
	SplitOperReplace                  SplitOper = 2
	SplitOperFlagInsertAndReplaceData SplitOper = 3
)

// Flags of a page image in Split and Merge (spec chapter 05, 14).
const (
	ImageDehydrated uint32 = 1
	ImageCompressed uint32 = 2
)

// Split is one page's part in a split macro, from the root downwards; the leaf's record is the last (Split2,
// spec chapter 05, 13.5 and 21.4). With NewPage zero the page only receives the pointer to the page below.
// Line in the common part is not used.
type Split struct {
	PageOp
	// NewPage is the page being added, Right the old right sibling.
	NewPage, Right    jet.Pgno
	DBTimeRightBefore jet.DBTime
	Parent            jet.Pgno
	// DBTimeParentBefore equals DBTimeBefore of the parent's own record.
	DBTimeParentBefore jet.DBTime
	FDP                jet.Pgno
	ObjID              jet.ObjID
	Kind               SplitKind
	Oper               SplitOper
	// LineOper is the line of the operation, LineSplit the first line that moves, Lines the number of lines,
	// all counted with the inserted node in place.
	LineOper, LineSplit, Lines uint16
	// NewFlags and SplitFlags are the page flags of both pages afterwards.
	NewFlags, SplitFlags uint32
	// UncommittedFreeSplit and UncommittedFreeNew are the uncommitted free bytes of both pages afterwards.
	UncommittedFreeSplit, UncommittedFreeNew int16
	// LinePrefixSplit and LinePrefixNew are the lines whose key becomes the page's prefix, -1 for none.
	LinePrefixSplit, LinePrefixNew int32
	// ParentKey separates the two pages in the parent.
	ParentKey []byte
	// OldPrefix and NewPrefix are the split page's prefix before and after.
	OldPrefix, NewPrefix []byte
	// Image is the page before the split, empty where redo can do without; ImageFlags is its form.
	ImageFlags uint32
	Image      []byte
}

func (r *Split) Type() RecType { return RecSplit2 }

func (r *Split) Append(b []byte) []byte {
	b, p := grow(b, 110)
	r.put(p, RecSplit2)
	le.PutUint32(p[32:], uint32(r.NewPage))
	le.PutUint32(p[36:], uint32(r.Right))
	le.PutUint64(p[40:], uint64(r.DBTimeRightBefore))
	le.PutUint32(p[48:], uint32(r.Parent))
	le.PutUint64(p[52:], uint64(r.DBTimeParentBefore))
	le.PutUint32(p[60:], uint32(r.FDP))
	le.PutUint32(p[64:], uint32(r.ObjID))
	p[68], p[69] = byte(r.Kind), byte(r.Oper)
	le.PutUint16(p[70:], r.LineOper)
	le.PutUint16(p[72:], r.LineSplit)
	le.PutUint16(p[74:], r.Lines)
	le.PutUint32(p[76:], r.NewFlags)
	le.PutUint32(p[80:], r.SplitFlags)
	le.PutUint16(p[84:], uint16(r.UncommittedFreeSplit))
	le.PutUint16(p[86:], uint16(r.UncommittedFreeNew))
	le.PutUint32(p[88:], uint32(r.LinePrefixSplit))
	le.PutUint32(p[92:], uint32(r.LinePrefixNew))
	le.PutUint16(p[96:], uint16(len(r.OldPrefix)))
	le.PutUint16(p[98:], uint16(len(r.NewPrefix)))
	le.PutUint16(p[100:], uint16(len(r.ParentKey)))
	le.PutUint32(p[102:], r.ImageFlags)
	le.PutUint32(p[106:], uint32(len(r.Image)))
	b = append(b, r.ParentKey...)
	b = append(b, r.OldPrefix...)
	b = append(b, r.NewPrefix...)
	return append(b, r.Image...)
}

func (r *Split) decode(b []byte) error {
	r.get(b)
	r.NewPage, r.Right = jet.Pgno(le.Uint32(b[32:])), jet.Pgno(le.Uint32(b[36:]))
	r.DBTimeRightBefore = jet.DBTime(le.Uint64(b[40:]))
	r.Parent, r.DBTimeParentBefore = jet.Pgno(le.Uint32(b[48:])), jet.DBTime(le.Uint64(b[52:]))
	r.FDP, r.ObjID = jet.Pgno(le.Uint32(b[60:])), jet.ObjID(le.Uint32(b[64:]))
	r.Kind, r.Oper = SplitKind(b[68]), SplitOper(b[69])
	r.LineOper, r.LineSplit, r.Lines = le.Uint16(b[70:]), le.Uint16(b[72:]), le.Uint16(b[74:])
	r.NewFlags, r.SplitFlags = le.Uint32(b[76:]), le.Uint32(b[80:])
	r.UncommittedFreeSplit, r.UncommittedFreeNew = int16(le.Uint16(b[84:])), int16(le.Uint16(b[86:]))
	r.LinePrefixSplit, r.LinePrefixNew = int32(le.Uint32(b[88:])), int32(le.Uint32(b[92:]))
	r.ImageFlags = le.Uint32(b[102:])
	key := 110 + int(le.Uint16(b[100:]))
	old := key + int(le.Uint16(b[96:]))
	prefix := old + int(le.Uint16(b[98:]))
	r.ParentKey, r.OldPrefix, r.NewPrefix, r.Image = b[110:key:key], b[key:old:old], b[old:prefix:prefix], b[prefix:]
	return nil
}

// MergeKind is how a page is merged away (spec chapter 05, 13.6).
type MergeKind uint8

const (
	// MergeNone marks the record of a parent page, where only lines change.
	MergeNone         MergeKind = 0
	MergeEmptyPage    MergeKind = 1
	MergeFullRight    MergeKind = 2
	MergePartialRight MergeKind = 3
	MergeEmptyTree    MergeKind = 4
	MergeFullLeft     MergeKind = 5
	MergePartialLeft  MergeKind = 6
	MergePageMove     MergeKind = 7
)

// Flags of Merge.
const (
	MergeKeyChange   uint8 = 1 // a pointer's key changes in this parent page
	MergeDeleteNode  uint8 = 2 // a pointer is removed from this parent page
	MergeEmptiesPage uint8 = 4 // the page becomes empty and unlinked
)

// Merge is one page's part in a merge macro, from the parent downwards; the leaf's record is the last
// (Merge2, spec chapter 05, 13.6 and 21.5).
type Merge struct {
	PageOp
	Right                  jet.Pgno
	DBTimeRightBefore      jet.DBTime
	Left                   jet.Pgno
	DBTimeLeftBefore       jet.DBTime
	Parent                 jet.Pgno
	DBTimeParentBefore     jet.DBTime
	FDP                    jet.Pgno
	ObjID                  jet.ObjID
	SizeTotal, SizeMaximum uint16
	UncommittedFree        uint16
	// LineMerge is the first line that moves in a partial merge.
	LineMerge uint16
	// MergeFlags is a set of Merge bits.
	MergeFlags uint8
	Kind       MergeKind
	// ParentKey is the new separator in the parent.
	ParentKey []byte
	// Image is the page before the merge, empty where redo can do without; ImageFlags is its form.
	ImageFlags uint32
	Image      []byte
}

func (r *Merge) Type() RecType { return RecMerge2 }

func (r *Merge) Append(b []byte) []byte {
	b, p := grow(b, 96)
	r.put(p, RecMerge2)
	le.PutUint32(p[32:], uint32(r.Right))
	le.PutUint64(p[36:], uint64(r.DBTimeRightBefore))
	le.PutUint32(p[44:], uint32(r.Left))
	le.PutUint64(p[48:], uint64(r.DBTimeLeftBefore))
	le.PutUint32(p[56:], uint32(r.Parent))
	le.PutUint64(p[60:], uint64(r.DBTimeParentBefore))
	le.PutUint32(p[68:], uint32(r.FDP))
	le.PutUint32(p[72:], uint32(r.ObjID))
	le.PutUint16(p[76:], r.SizeTotal)
	le.PutUint16(p[78:], r.SizeMaximum)
	le.PutUint16(p[80:], r.UncommittedFree)
	le.PutUint16(p[82:], r.LineMerge)
	p[84], p[85] = r.MergeFlags, byte(r.Kind)
	le.PutUint16(p[86:], uint16(len(r.ParentKey)))
	le.PutUint32(p[88:], r.ImageFlags)
	le.PutUint32(p[92:], uint32(len(r.Image)))
	b = append(b, r.ParentKey...)
	return append(b, r.Image...)
}

func (r *Merge) decode(b []byte) error {
	r.get(b)
	r.Right, r.DBTimeRightBefore = jet.Pgno(le.Uint32(b[32:])), jet.DBTime(le.Uint64(b[36:]))
	r.Left, r.DBTimeLeftBefore = jet.Pgno(le.Uint32(b[44:])), jet.DBTime(le.Uint64(b[48:]))
	r.Parent, r.DBTimeParentBefore = jet.Pgno(le.Uint32(b[56:])), jet.DBTime(le.Uint64(b[60:]))
	r.FDP, r.ObjID = jet.Pgno(le.Uint32(b[68:])), jet.ObjID(le.Uint32(b[72:]))
	r.SizeTotal, r.SizeMaximum = le.Uint16(b[76:]), le.Uint16(b[78:])
	r.UncommittedFree, r.LineMerge = le.Uint16(b[80:]), le.Uint16(b[82:])
	r.MergeFlags, r.Kind = b[84], MergeKind(b[85])
	r.ImageFlags = le.Uint32(b[88:])
	key := 96 + int(le.Uint16(b[86:]))
	r.ParentKey, r.Image = b[96:key:key], b[key:]
	return nil
}

// Flags of PageMove.
const (
	MoveRootFDP uint32 = 1
	MoveRootOE  uint32 = 2
	MoveRootAE  uint32 = 4
)

// PageMove moves page Pgno to Dest (rare; spec chapter 05, 13.7).
type PageMove struct {
	PageOp
	Dest, Left, Right, Parent                               jet.Pgno
	DBTimeLeftBefore, DBTimeRightBefore, DBTimeParentBefore jet.DBTime
	FDP                                                     jet.Pgno
	ObjID                                                   jet.ObjID
	LineParent                                              int32
	// MoveFlags is a set of MoveRoot bits.
	MoveFlags uint32
	// Header is the page up to its free space, Trailer its tag array.
	Header, Trailer []byte
}

func (r *PageMove) Type() RecType { return RecPageMove }

func (r *PageMove) Append(b []byte) []byte {
	b, p := grow(b, 96)
	r.put(p, RecPageMove)
	for i, pgno := range []jet.Pgno{r.Dest, r.Left, r.Right, r.Parent} {
		le.PutUint32(p[32+4*i:], uint32(pgno))
	}
	le.PutUint64(p[48:], uint64(r.DBTimeLeftBefore))
	le.PutUint64(p[56:], uint64(r.DBTimeRightBefore))
	le.PutUint64(p[64:], uint64(r.DBTimeParentBefore))
	le.PutUint32(p[72:], uint32(r.FDP))
	le.PutUint32(p[76:], uint32(r.ObjID))
	le.PutUint32(p[80:], uint32(r.LineParent))
	le.PutUint32(p[84:], r.MoveFlags)
	le.PutUint32(p[88:], uint32(len(r.Header)))
	le.PutUint32(p[92:], uint32(len(r.Trailer)))
	b = append(b, r.Header...)
	return append(b, r.Trailer...)
}

func (r *PageMove) decode(b []byte) error {
	r.get(b)
	r.Dest, r.Left = jet.Pgno(le.Uint32(b[32:])), jet.Pgno(le.Uint32(b[36:]))
	r.Right, r.Parent = jet.Pgno(le.Uint32(b[40:])), jet.Pgno(le.Uint32(b[44:]))
	r.DBTimeLeftBefore, r.DBTimeRightBefore = jet.DBTime(le.Uint64(b[48:])), jet.DBTime(le.Uint64(b[56:]))
	r.DBTimeParentBefore = jet.DBTime(le.Uint64(b[64:]))
	r.FDP, r.ObjID = jet.Pgno(le.Uint32(b[72:])), jet.ObjID(le.Uint32(b[76:]))
	r.LineParent, r.MoveFlags = int32(le.Uint32(b[80:])), le.Uint32(b[84:])
	head := 96 + int(le.Uint32(b[88:]))
	r.Header, r.Trailer = b[96:head:head], b[head:]
	return nil
}

// RootPageMove opens the macro that moves a tree's root pages (rare; spec chapter 05, 13.8 and 14).
type RootPageMove struct {
	DBTime jet.DBTime
	DB     jet.DBID
	ObjID  jet.ObjID
	Proc   jet.ProcID
}

func (r *RootPageMove) Type() RecType { return RecRootPageMove }

func (r *RootPageMove) Append(b []byte) []byte {
	b = le.AppendUint64(append(b, byte(RecRootPageMove)), uint64(r.DBTime))
	b = le.AppendUint32(append(b, byte(r.DB)), uint32(r.ObjID))
	return le.AppendUint16(b, uint16(r.Proc))
}

func (r *RootPageMove) decode(b []byte) error {
	*r = RootPageMove{jet.DBTime(le.Uint64(b[1:])), jet.DBID(b[9]), jet.ObjID(le.Uint32(b[10:])), jet.ProcID(le.Uint16(b[14:]))}
	return nil
}
