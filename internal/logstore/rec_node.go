package logstore

import "esent/internal/jet"

// Insert puts a node before line Line (spec chapter 05, 13.3).
type Insert struct {
	NodeOp
	// PrefixLen is how many bytes at the start of Key the page's prefix supplies, at most len(Key).
	PrefixLen int
	// Key is the whole key.
	Key, Data []byte
}

func (r *Insert) Type() RecType { return RecInsert }

func (r *Insert) Append(b []byte) []byte {
	b, p := grow(b, 50)
	r.put(p, RecInsert)
	le.PutUint16(p[44:], uint16(len(r.Key)-r.PrefixLen))
	le.PutUint16(p[46:], uint16(r.PrefixLen))
	le.PutUint16(p[48:], uint16(len(r.Data)))
	b = append(b, r.Key...)
	return append(b, r.Data...)
}

func (r *Insert) decode(b []byte) error {
	r.get(b)
	r.PrefixLen = int(le.Uint16(b[46:]))
	n := 50 + int(le.Uint16(b[44:])) + r.PrefixLen
	r.Key, r.Data = b[50:n:n], b[n:]
	return nil
}

// FlagInsert revives the flag-deleted node at Line, which has the same key, with new data.
type FlagInsert struct {
	NodeOp
	Key, Data []byte
}

func (r *FlagInsert) Type() RecType { return RecFlagInsert }

func (r *FlagInsert) Append(b []byte) []byte {
	b, p := grow(b, 48)
	r.put(p, RecFlagInsert)
	le.PutUint16(p[44:], uint16(len(r.Key)))
	le.PutUint16(p[46:], uint16(len(r.Data)))
	b = append(b, r.Key...)
	return append(b, r.Data...)
}

func (r *FlagInsert) decode(b []byte) error {
	r.get(b)
	n := 48 + int(le.Uint16(b[44:]))
	r.Key, r.Data = b[48:n:n], b[n:]
	return nil
}

// FlagInsertAndReplaceData is FlagInsert with a second version entry for the data it replaces.
type FlagInsertAndReplaceData struct {
	NodeOp
	// RCEReplace identifies the version entry of the old data; RCE is that of the insertion.
	RCEReplace uint32
	Key, Data  []byte
}

func (r *FlagInsertAndReplaceData) Type() RecType { return RecFlagInsertAndReplaceData }

func (r *FlagInsertAndReplaceData) Append(b []byte) []byte {
	b, p := grow(b, 52)
	r.put(p, RecFlagInsertAndReplaceData)
	le.PutUint16(p[44:], uint16(len(r.Key)))
	le.PutUint16(p[46:], uint16(len(r.Data)))
	le.PutUint32(p[48:], r.RCEReplace)
	b = append(b, r.Key...)
	return append(b, r.Data...)
}

func (r *FlagInsertAndReplaceData) decode(b []byte) error {
	r.get(b)
	n := 52 + int(le.Uint16(b[44:]))
	r.RCEReplace = le.Uint32(b[48:])
	r.Key, r.Data = b[52:n:n], b[n:]
	return nil
}

// FlagDelete marks the node at Line deleted; it stays for its versions.
type FlagDelete struct{ NodeOp }

func (r *FlagDelete) Type() RecType { return RecFlagDelete }

func (r *FlagDelete) Append(b []byte) []byte {
	b, p := grow(b, nodeOpSize)
	r.put(p, RecFlagDelete)
	return b
}

func (r *FlagDelete) decode(b []byte) error {
	r.get(b)
	return nil
}

// Delete removes the node at Line.
type Delete struct{ NodeOp }

func (r *Delete) Type() RecType { return RecDelete }

func (r *Delete) Append(b []byte) []byte {
	b, p := grow(b, nodeOpSize)
	r.put(p, RecDelete)
	return b
}

func (r *Delete) decode(b []byte) error {
	r.get(b)
	return nil
}

// replaceDLarge in a ReplaceD's length says that its list has the form for pages above 8 KB.
const replaceDLarge = 0x8000

// Replace gives the node at Line new data. Within a split OldSize equals NewSize and is not the old size
// (spec chapter 05, 13.3 and 21.6).
type Replace struct {
	NodeOp
	OldSize, NewSize int
	// Data is the new data or, with IsDiff (ReplaceD), a list of differences from the old data.
	Data []byte
	// LargeDiff says that the list has the form for pages above 8 KB (spec chapter 05, 13.4).
	IsDiff, LargeDiff bool
}

func (r *Replace) Type() RecType {
	if r.IsDiff {
		return RecReplaceD
	}
	return RecReplace
}

func (r *Replace) Append(b []byte) []byte {
	b, p := grow(b, 50)
	r.put(p, r.Type())
	n := uint16(len(r.Data))
	if r.IsDiff && r.LargeDiff {
		n |= replaceDLarge
	}
	le.PutUint16(p[44:], n)
	le.PutUint16(p[46:], uint16(r.OldSize))
	le.PutUint16(p[48:], uint16(r.NewSize))
	return append(b, r.Data...)
}

func (r *Replace) decode(b []byte) error {
	r.get(b)
	r.IsDiff = RecType(b[0]) == RecReplaceD
	r.LargeDiff = r.IsDiff && b[45]&0x80 != 0
	r.OldSize, r.NewSize = int(le.Uint16(b[46:])), int(le.Uint16(b[48:]))
	r.Data = b[50:]
	if !r.IsDiff && len(r.Data) != r.NewSize {
		return errMalformed(RecReplace, "data and their size differ")
	}
	return nil
}

// NewData gives the node's new data: Data itself, or the differences applied to old, the data before. The
// result of differences is newly allocated. JET_errLogCorrupted when old or the list do not fit.
func (r *Replace) NewData(old []byte) ([]byte, error) {
	if !r.IsDiff {
		return r.Data, nil
	}
	if len(old) != r.OldSize {
		return nil, errMalformed(RecReplaceD, "old data have another size")
	}
	data, err := ApplyDiff(old, r.Data, r.LargeDiff)
	if err == nil && len(data) != r.NewSize {
		return nil, errMalformed(RecReplaceD, "new data have another size")
	}
	return data, err
}

// Oper is the operation that a version entry stands for, in UndoInfo and Undo.
type Oper uint16

const (
	OperInsert     Oper = 1
	OperReplace    Oper = 2
	OperFlagDelete Oper = 3
	OperDelta      Oper = 4
	OperDelta64    Oper = 9
)

// UndoInfo is the image before an uncommitted replace or flag delete, logged before the page is written or
// the operation undone (spec chapter 05, 14). Both dbtimes are jet.DBTimeNil.
type UndoInfo struct {
	NodeOp
	// Oper is OperReplace or OperFlagDelete.
	Oper Oper
	// MaxSize is the largest size the node's data had in the transaction, Delta the change of size.
	MaxSize, Delta int16
	// Key and BookmarkData identify the node, Image is its data before the operation.
	Key, BookmarkData, Image []byte
}

func (r *UndoInfo) Type() RecType { return RecUndoInfo }

func (r *UndoInfo) Append(b []byte) []byte {
	b, p := grow(b, 56)
	r.put(p, RecUndoInfo)
	le.PutUint16(p[44:], uint16(len(r.Key)))
	le.PutUint16(p[46:], uint16(len(r.BookmarkData)))
	le.PutUint16(p[48:], uint16(r.Oper))
	le.PutUint16(p[50:], uint16(r.MaxSize))
	le.PutUint16(p[52:], uint16(r.Delta))
	le.PutUint16(p[54:], uint16(len(r.Image)))
	b = append(b, r.Key...)
	b = append(b, r.BookmarkData...)
	return append(b, r.Image...)
}

func (r *UndoInfo) decode(b []byte) error {
	r.get(b)
	r.Oper = Oper(le.Uint16(b[48:]))
	r.MaxSize, r.Delta = int16(le.Uint16(b[50:])), int16(le.Uint16(b[52:]))
	k := 56 + int(le.Uint16(b[44:]))
	d := k + int(le.Uint16(b[46:]))
	r.Key, r.BookmarkData, r.Image = b[56:k:k], b[k:d:d], b[d:]
	return nil
}

// Undo takes back the operation of version entry RCE at Line, in rollback or recovery.
type Undo struct {
	NodeOp
	Oper Oper
	// UndoLevel is the transaction level of the operation taken back.
	UndoLevel uint8
	// Key and BookmarkData identify the node.
	Key, BookmarkData []byte
}

func (r *Undo) Type() RecType { return RecUndo }

func (r *Undo) Append(b []byte) []byte {
	b, p := grow(b, 51)
	r.put(p, RecUndo)
	le.PutUint16(p[44:], uint16(len(r.Key)))
	le.PutUint16(p[46:], uint16(len(r.BookmarkData)))
	le.PutUint16(p[48:], uint16(r.Oper))
	p[50] = r.UndoLevel
	b = append(b, r.Key...)
	return append(b, r.BookmarkData...)
}

func (r *Undo) decode(b []byte) error {
	r.get(b)
	r.Oper, r.UndoLevel = Oper(le.Uint16(b[48:])), b[50]
	k := 51 + int(le.Uint16(b[44:]))
	r.Key, r.BookmarkData = b[51:k:k], b[k:]
	return nil
}

// Delta adds a number to an escrow column: to the little-endian integer at Offset in the data of the node at
// Line, 4 bytes or, with Wide (Delta64), 8 bytes, wrapping.
type Delta struct {
	NodeOp
	Value  int64
	Offset uint16
	Wide   bool
	// Key and BookmarkData identify the node.
	Key, BookmarkData []byte
}

func (r *Delta) Type() RecType {
	if r.Wide {
		return RecDelta64
	}
	return RecDelta
}

func (r *Delta) Append(b []byte) []byte {
	if r.Wide {
		var p []byte
		b, p = grow(b, 58)
		r.put(p, RecDelta64)
		r.putBookmarkSizes(p)
		le.PutUint64(p[48:], uint64(r.Value))
		le.PutUint16(p[56:], r.Offset)
	} else {
		var p []byte
		b, p = grow(b, 54)
		r.put(p, RecDelta)
		r.putBookmarkSizes(p)
		le.PutUint32(p[48:], uint32(r.Value))
		le.PutUint16(p[52:], r.Offset)
	}
	b = append(b, r.Key...)
	return append(b, r.BookmarkData...)
}

func (r *Delta) putBookmarkSizes(p []byte) {
	le.PutUint16(p[44:], uint16(len(r.Key)))
	le.PutUint16(p[46:], uint16(len(r.BookmarkData)))
}

func (r *Delta) decode(b []byte) error {
	r.get(b)
	r.Wide = RecType(b[0]) == RecDelta64
	head := 54
	if r.Wide {
		head = 58
		r.Value, r.Offset = int64(le.Uint64(b[48:])), le.Uint16(b[56:])
	} else {
		r.Value, r.Offset = int64(int32(le.Uint32(b[48:]))), le.Uint16(b[52:])
	}
	k := head + int(le.Uint16(b[44:]))
	r.Key, r.BookmarkData = b[head:k:k], b[k:]
	return nil
}

// SetExternalHeader replaces the page's external header, tag 0, by Data.
type SetExternalHeader struct {
	NodeOp
	Data []byte
}

func (r *SetExternalHeader) Type() RecType { return RecSetExternalHeader }

func (r *SetExternalHeader) Append(b []byte) []byte {
	b, p := grow(b, 46)
	r.put(p, RecSetExternalHeader)
	le.PutUint16(p[44:], uint16(len(r.Data)))
	return append(b, r.Data...)
}

func (r *SetExternalHeader) decode(b []byte) error {
	r.get(b)
	r.Data = b[46:]
	return nil
}

// EmptiedPage is one page that EmptyTree leaves empty.
type EmptiedPage struct {
	DBTimeBefore jet.DBTime
	Pgno         jet.Pgno
	Flags        uint32
}

// EmptyTree makes the root at Pgno an empty leaf and marks Pages, its children, empty.
type EmptyTree struct {
	NodeOp
	Pages []EmptiedPage
}

func (r *EmptyTree) Type() RecType { return RecEmptyTree }

func (r *EmptyTree) Append(b []byte) []byte {
	b, p := grow(b, 46)
	r.put(p, RecEmptyTree)
	le.PutUint16(p[44:], uint16(16*len(r.Pages)))
	for _, e := range r.Pages {
		b = le.AppendUint64(b, uint64(e.DBTimeBefore))
		b = le.AppendUint32(b, uint32(e.Pgno))
		b = le.AppendUint32(b, e.Flags)
	}
	return b
}

func (r *EmptyTree) decode(b []byte) error {
	r.get(b)
	list := b[46:]
	if len(list)%16 != 0 {
		return errMalformed(RecEmptyTree, "page list is no multiple of 16 bytes")
	}
	r.Pages = make([]EmptiedPage, len(list)/16)
	for i := range r.Pages {
		e := list[16*i:]
		r.Pages[i] = EmptiedPage{jet.DBTime(le.Uint64(e)), jet.Pgno(le.Uint32(e[8:])), le.Uint32(e[12:])}
	}
	return nil
}

// Scrub says that what the page still held of deleted data was overwritten (spec chapter 02, 11).
type Scrub struct {
	NodeOp
	// PageFlags: 1 the page is unused.
	PageFlags, Count uint32
	// Ops has a byte for each line: 0 none, 1 the data of a deleted node, 2 a chunk of a long value without owner.
	Ops []byte
}

func (r *Scrub) Type() RecType { return RecScrub }

// Unused says that the page is in no tree.
func (r *Scrub) Unused() bool { return r.PageFlags&1 != 0 }

func (r *Scrub) Append(b []byte) []byte {
	b, p := grow(b, 54)
	r.put(p, RecScrub)
	le.PutUint32(p[44:], r.PageFlags)
	le.PutUint32(p[48:], r.Count)
	le.PutUint16(p[52:], uint16(len(r.Ops)))
	return append(b, r.Ops...)
}

func (r *Scrub) decode(b []byte) error {
	r.get(b)
	r.PageFlags, r.Count, r.Ops = le.Uint32(b[44:]), le.Uint32(b[48:]), b[54:]
	return nil
}
