package logstore

import "esent/internal/jet"

// CreateMultipleExtentFDP makes a tree with space trees of its own; Pgno is its root (spec chapter 05, 13.8
// and 21.6).
type CreateMultipleExtentFDP struct {
	PageOp
	ObjID             jet.ObjID
	OE, AE, FDPParent jet.Pgno
	// Primary is the size of its first extent in pages.
	Primary   uint32
	PageFlags uint32
}

func (r *CreateMultipleExtentFDP) Type() RecType { return RecCreateMultipleExtentFDP }

func (r *CreateMultipleExtentFDP) Append(b []byte) []byte {
	b, p := grow(b, 56)
	r.put(p, RecCreateMultipleExtentFDP)
	le.PutUint32(p[32:], uint32(r.ObjID))
	le.PutUint32(p[36:], uint32(r.OE))
	le.PutUint32(p[40:], uint32(r.AE))
	le.PutUint32(p[44:], uint32(r.FDPParent))
	le.PutUint32(p[48:], r.Primary)
	le.PutUint32(p[52:], r.PageFlags)
	return b
}

func (r *CreateMultipleExtentFDP) decode(b []byte) error {
	r.get(b)
	r.ObjID = jet.ObjID(le.Uint32(b[32:]))
	r.OE, r.AE, r.FDPParent = jet.Pgno(le.Uint32(b[36:])), jet.Pgno(le.Uint32(b[40:])), jet.Pgno(le.Uint32(b[44:]))
	r.Primary, r.PageFlags = le.Uint32(b[48:]), le.Uint32(b[52:])
	return nil
}

// CreateSingleExtentFDP makes a tree whose space is a bitmap in its root, page Pgno.
type CreateSingleExtentFDP struct {
	PageOp
	ObjID     jet.ObjID
	FDPParent jet.Pgno
	// Primary is the size of its extent in pages.
	Primary   uint32
	PageFlags uint32
}

func (r *CreateSingleExtentFDP) Type() RecType { return RecCreateSingleExtentFDP }

func (r *CreateSingleExtentFDP) Append(b []byte) []byte {
	b, p := grow(b, 48)
	r.put(p, RecCreateSingleExtentFDP)
	le.PutUint32(p[32:], uint32(r.ObjID))
	le.PutUint32(p[36:], uint32(r.FDPParent))
	le.PutUint32(p[40:], r.Primary)
	le.PutUint32(p[44:], r.PageFlags)
	return b
}

func (r *CreateSingleExtentFDP) decode(b []byte) error {
	r.get(b)
	r.ObjID, r.FDPParent = jet.ObjID(le.Uint32(b[32:])), jet.Pgno(le.Uint32(b[36:]))
	r.Primary, r.PageFlags = le.Uint32(b[40:]), le.Uint32(b[44:])
	return nil
}

// ConvertFDP gives the single-extent tree with root Pgno space trees of its own (ConvertFDP2).
type ConvertFDP struct {
	PageOp
	ObjID             jet.ObjID
	OE, AE, FDPParent jet.Pgno
	// SecondaryFirst and Secondary are the first page and size of the extent added with the conversion.
	SecondaryFirst     jet.Pgno
	Primary, Secondary uint32
	// Avail is the bitmap of free pages that the root held.
	Avail     uint32
	PageFlags uint32
}

func (r *ConvertFDP) Type() RecType { return RecConvertFDP2 }

func (r *ConvertFDP) Append(b []byte) []byte {
	b, p := grow(b, 68)
	r.put(p, RecConvertFDP2)
	le.PutUint32(p[32:], uint32(r.ObjID))
	le.PutUint32(p[36:], uint32(r.OE))
	le.PutUint32(p[40:], uint32(r.AE))
	le.PutUint32(p[44:], uint32(r.FDPParent))
	le.PutUint32(p[48:], uint32(r.SecondaryFirst))
	le.PutUint32(p[52:], r.Primary)
	le.PutUint32(p[56:], r.Secondary)
	le.PutUint32(p[60:], r.Avail)
	le.PutUint32(p[64:], r.PageFlags)
	return b
}

func (r *ConvertFDP) decode(b []byte) error {
	r.get(b)
	r.ObjID = jet.ObjID(le.Uint32(b[32:]))
	r.OE, r.AE, r.FDPParent = jet.Pgno(le.Uint32(b[36:])), jet.Pgno(le.Uint32(b[40:])), jet.Pgno(le.Uint32(b[44:]))
	r.SecondaryFirst = jet.Pgno(le.Uint32(b[48:]))
	r.Primary, r.Secondary = le.Uint32(b[52:]), le.Uint32(b[56:])
	r.Avail, r.PageFlags = le.Uint32(b[60:]), le.Uint32(b[64:])
	return nil
}

// NewPage formats a page as empty and pre-initialised.
type NewPage struct {
	Proc   jet.ProcID
	DB     jet.DBID
	Pgno   jet.Pgno
	ObjID  jet.ObjID
	DBTime jet.DBTime
}

func (r *NewPage) Type() RecType { return RecNewPage }

func (r *NewPage) Append(b []byte) []byte {
	b = append(b, byte(RecNewPage), byte(r.Proc), byte(r.Proc>>8), byte(r.DB))
	b = le.AppendUint32(b, uint32(r.Pgno))
	b = le.AppendUint32(b, uint32(r.ObjID))
	return le.AppendUint64(b, uint64(r.DBTime))
}

func (r *NewPage) decode(b []byte) error {
	*r = NewPage{jet.ProcID(le.Uint16(b[1:])), jet.DBID(b[3]), jet.Pgno(le.Uint32(b[4:])), jet.ObjID(le.Uint32(b[8:])), jet.DBTime(le.Uint64(b[12:]))}
	return nil
}

// ExtendDB makes the database file end with page Last.
type ExtendDB struct {
	DB   jet.DBID
	Last jet.Pgno
}

func (r *ExtendDB) Type() RecType { return RecExtendDB }

func (r *ExtendDB) Append(b []byte) []byte {
	b = append(b, byte(RecExtendDB), 5, 0, 0, 0, byte(r.DB))
	return le.AppendUint32(b, uint32(r.Last))
}

func (r *ExtendDB) decode(b []byte) error {
	if len(b) < 10 {
		return errTruncated(RecExtendDB)
	}
	*r = ExtendDB{jet.DBID(b[5]), jet.Pgno(le.Uint32(b[6:]))}
	return nil
}

// ShrinkDB cuts the database file behind page Last. The zero Kind is ShrinkDB3; RecShrinkDB and RecShrinkDB2
// occur in old logs and have no dbtime.
type ShrinkDB struct {
	Kind RecType
	DB   jet.DBID
	Last jet.Pgno
	// Shrunk is the number of pages cut off.
	Shrunk uint32
	DBTime jet.DBTime
}

func (r *ShrinkDB) Type() RecType {
	if r.Kind == 0 {
		return RecShrinkDB3
	}
	return r.Kind
}

func (r *ShrinkDB) Append(b []byte) []byte {
	b = append(b, byte(r.Type()), byte(r.DB))
	b = le.AppendUint32(b, uint32(r.Last))
	b = le.AppendUint32(b, r.Shrunk)
	if r.Type() == RecShrinkDB3 {
		b = le.AppendUint64(b, uint64(r.DBTime))
	}
	return b
}

func (r *ShrinkDB) decode(b []byte) error {
	*r = ShrinkDB{Kind: RecType(b[0]), DB: jet.DBID(b[1]), Last: jet.Pgno(le.Uint32(b[2:])), Shrunk: le.Uint32(b[6:])}
	if r.Kind == RecShrinkDB3 {
		r.Kind, r.DBTime = 0, jet.DBTime(le.Uint64(b[10:]))
	}
	return nil
}

// TrimDB makes a range of pages a hole in the file (rare).
type TrimDB struct {
	DB    jet.DBID
	First jet.Pgno
	Pages uint32
}

func (r *TrimDB) Type() RecType { return RecTrimDB }

func (r *TrimDB) Append(b []byte) []byte {
	b = le.AppendUint32(append(b, byte(RecTrimDB), byte(r.DB)), uint32(r.First))
	return le.AppendUint32(b, r.Pages)
}

func (r *TrimDB) decode(b []byte) error {
	*r = TrimDB{jet.DBID(b[1]), jet.Pgno(le.Uint32(b[2:])), le.Uint32(b[6:])}
	return nil
}

// ExtentFreed tells that pages became free, for page-revert features; redo does nothing. The zero Kind is
// ExtentFreed2; RecExtentFreed occurs in old logs and has no dbtime.
type ExtentFreed struct {
	Kind  RecType
	DB    jet.DBID
	First jet.Pgno
	Pages int32
	// Flags: 1 the first page is a table's root, 2 pages of a deleted tree still to be flagged empty.
	Flags  uint8
	DBTime jet.DBTime
}

func (r *ExtentFreed) Type() RecType {
	if r.Kind == 0 {
		return RecExtentFreed2
	}
	return r.Kind
}

func (r *ExtentFreed) Append(b []byte) []byte {
	b = le.AppendUint32(append(b, byte(r.Type()), byte(r.DB)), uint32(r.First))
	b = append(le.AppendUint32(b, uint32(r.Pages)), r.Flags)
	if r.Type() == RecExtentFreed2 {
		b = le.AppendUint64(b, uint64(r.DBTime))
	}
	return b
}

func (r *ExtentFreed) decode(b []byte) error {
	*r = ExtentFreed{Kind: RecType(b[0]), DB: jet.DBID(b[1]), First: jet.Pgno(le.Uint32(b[2:])), Pages: int32(le.Uint32(b[6:])), Flags: b[10]}
	if r.Kind == RecExtentFreed2 {
		r.Kind, r.DBTime = 0, jet.DBTime(le.Uint64(b[11:]))
	}
	return nil
}

// FreeFDP tells that a tree was destroyed; redo does nothing.
type FreeFDP struct {
	DB  jet.DBID
	FDP jet.Pgno
	// TrxCommitted is the commit time of the transaction that deleted the tree.
	TrxCommitted jet.Trx
	// Kind: 1 table, 2 index.
	Kind uint8
}

func (r *FreeFDP) Type() RecType { return RecFreeFDP }

func (r *FreeFDP) Append(b []byte) []byte {
	b = append(b, byte(RecFreeFDP), 10, 0, 0, 0, byte(r.DB))
	b = le.AppendUint32(b, uint32(r.FDP))
	return append(le.AppendUint32(b, uint32(r.TrxCommitted)), r.Kind)
}

func (r *FreeFDP) decode(b []byte) error {
	if len(b) < 15 {
		return errTruncated(RecFreeFDP)
	}
	*r = FreeFDP{jet.DBID(b[5]), jet.Pgno(le.Uint32(b[6:])), jet.Trx(le.Uint32(b[10:])), b[14]}
	return nil
}

// ScanCheck is a page's checksum as database maintenance saw it (old form).
type ScanCheck struct {
	DB                        jet.DBID
	Pgno                      jet.Pgno
	DBTimePage, DBTimeCurrent jet.DBTime
	Checksum                  uint16
}

func (r *ScanCheck) Type() RecType { return RecScanCheck }

func (r *ScanCheck) Append(b []byte) []byte {
	b = append(b, byte(RecScanCheck), 39, 0, 0, 0, byte(r.DB))
	b = le.AppendUint32(b, uint32(r.Pgno))
	b = append(b, make([]byte, 16)...)
	b = le.AppendUint64(b, uint64(r.DBTimePage))
	b = le.AppendUint64(b, uint64(r.DBTimeCurrent))
	return le.AppendUint16(b, r.Checksum)
}

func (r *ScanCheck) decode(b []byte) error {
	if len(b) < 44 {
		return errTruncated(RecScanCheck)
	}
	*r = ScanCheck{jet.DBID(b[5]), jet.Pgno(le.Uint32(b[6:])), jet.DBTime(le.Uint64(b[26:])), jet.DBTime(le.Uint64(b[34:])), le.Uint16(b[42:])}
	return nil
}

// ScanCheck2 is a page's logical checksum as maintenance saw it; redo verifies and changes nothing.
type ScanCheck2 struct {
	DB   jet.DBID
	Pgno jet.Pgno
	// Flags: bits 0-1 source (1 scan, 2 shrink), 0x80 objid invalid, 0x40 empty page, 0x20 tree deleted.
	Flags                     uint8
	DBTimePage, DBTimeCurrent jet.DBTime
	Checksum                  uint32
}

func (r *ScanCheck2) Type() RecType { return RecScanCheck2 }

func (r *ScanCheck2) Append(b []byte) []byte {
	b = le.AppendUint32(append(b, byte(RecScanCheck2), byte(r.DB)), uint32(r.Pgno))
	b = le.AppendUint64(append(b, r.Flags), uint64(r.DBTimePage))
	b = le.AppendUint64(b, uint64(r.DBTimeCurrent))
	return le.AppendUint32(b, r.Checksum)
}

func (r *ScanCheck2) decode(b []byte) error {
	*r = ScanCheck2{jet.DBID(b[1]), jet.Pgno(le.Uint32(b[2:])), b[6], jet.DBTime(le.Uint64(b[7:])), jet.DBTime(le.Uint64(b[15:])), le.Uint32(b[23:])}
	return nil
}

// PagePatchRequest asks replicas for a good copy of a page (rare).
type PagePatchRequest struct {
	DB     jet.DBID
	Pgno   jet.Pgno
	DBTime jet.DBTime
}

func (r *PagePatchRequest) Type() RecType { return RecPagePatchRequest }

func (r *PagePatchRequest) Append(b []byte) []byte {
	b = le.AppendUint32(append(b, byte(RecPagePatchRequest), byte(r.DB)), uint32(r.Pgno))
	b = le.AppendUint64(b, uint64(r.DBTime))
	return append(b, make([]byte, 32)...)
}

func (r *PagePatchRequest) decode(b []byte) error {
	*r = PagePatchRequest{jet.DBID(b[1]), jet.Pgno(le.Uint32(b[2:])), jet.DBTime(le.Uint64(b[6:]))}
	return nil
}
