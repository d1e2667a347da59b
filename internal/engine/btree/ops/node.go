package ops

import (
	"encoding/binary"

	"esent/internal/engine/page"
	"esent/internal/logstore"
)

// Operations on one line or on the external header of one page. Each expects that the caller has decided that
// the page needs the record (Need), fails when the record does not fit the page, and then leaves the page as
// it was.

func versioned(flags uint8) page.NodeFlags {
	if flags&logstore.OpVersioned != 0 {
		return page.NodeVersion
	}
	return 0
}

// Insert puts the record's node before its line.
func Insert(p page.Page, r *logstore.Insert) error {
	if err := p.InsertLine(int(r.Line), r.Key, versioned(r.Flags), r.Data); err != nil {
		return err
	}
	// What the running engine knew to be free again, redo finds still reserved: that is not logged.
	setUncommitted(p, p.CbUncommittedFree())
	p.SetDBTime(r.DBTime)
	return nil
}

// FlagInsert revives the flag-deleted node at the record's line.
func FlagInsert(p page.Page, r *logstore.FlagInsert) error {
	return revive(p, &r.NodeOp, int(r.Line), r.Data)
}

// FlagInsertAndReplaceData revives the flag-deleted node at the record's line with new data; the data before
// are the before image of the record's second version entry.
func FlagInsertAndReplaceData(p page.Page, r *logstore.FlagInsertAndReplaceData) error {
	return revive(p, &r.NodeOp, int(r.Line), r.Data)
}

func revive(p page.Page, r *logstore.NodeOp, line int, data []byte) error {
	if line >= p.Lines() {
		return errRecord
	}
	if err := setData(p, line, data, versioned(r.Flags)); err != nil {
		return err
	}
	p.SetLineFlags(line, p.LineFlags(line)&^page.NodeDeleted|versioned(r.Flags))
	p.SetDBTime(r.DBTime)
	return nil
}

// setData replaces the data of a line. The bytes that a versioned change frees are reserved for its rollback
// (spec chapter 02, 7.4).
func setData(p page.Page, line int, data []byte, v page.NodeFlags) error {
	freed := len(p.LineData(line)) - len(data)
	if err := p.ReplaceData(line, data); err != nil {
		return err
	}
	if v != 0 && freed > 0 {
		p.SetCbUncommittedFree(min(p.CbUncommittedFree()+freed, p.CbFree()))
	}
	if p.CbUncommittedFree() > p.CbFree() {
		p.SetCbUncommittedFree(p.CbFree())
	}
	return nil
}

// FlagDelete marks the node at the record's line deleted.
func FlagDelete(p page.Page, r *logstore.FlagDelete) error {
	line := int(r.Line)
	if line >= p.Lines() {
		return errRecord
	}
	p.SetLineFlags(line, p.LineFlags(line)|page.NodeDeleted|versioned(r.Flags))
	p.SetDBTime(r.DBTime)
	return nil
}

// Delete removes the record's line.
func Delete(p page.Page, r *logstore.Delete) error {
	if err := p.DeleteLine(int(r.Line)); err != nil {
		return err
	}
	p.SetDBTime(r.DBTime)
	return nil
}

// Replace gives the node at the record's line new data, in full or by differences from the old.
func Replace(p page.Page, r *logstore.Replace) error {
	line := int(r.Line)
	if line >= p.Lines() {
		return errRecord
	}
	data, err := r.NewData(p.LineData(line))
	if err != nil {
		return err
	}
	return replaceWith(p, &r.NodeOp, line, data)
}

// ReplaceWith applies a Replace or ReplaceD record whose new data the caller has in full.
func ReplaceWith(p page.Page, r *logstore.Replace, data []byte) error {
	return replaceWith(p, &r.NodeOp, int(r.Line), data)
}

func replaceWith(p page.Page, r *logstore.NodeOp, line int, data []byte) error {
	if line >= p.Lines() {
		return errRecord
	}
	v := versioned(r.Flags)
	if err := setData(p, line, data, v); err != nil {
		return err
	}
	if v != 0 {
		p.SetLineFlags(line, p.LineFlags(line)|v)
	}
	p.SetDBTime(r.DBTime)
	return nil
}

// Delta adds the record's number to the integer in the data of its line.
func Delta(p page.Page, r *logstore.Delta) error {
	line := int(r.Line)
	if err := addAt(p, line, int(r.Offset), r.Wide, r.Value); err != nil {
		return err
	}
	if v := versioned(r.Flags); v != 0 {
		p.SetLineFlags(line, p.LineFlags(line)|v)
	}
	p.SetDBTime(r.DBTime)
	return nil
}

func addAt(p page.Page, line, offset int, wide bool, value int64) error {
	if line >= p.Lines() {
		return errRecord
	}
	data := p.LineData(line)
	size := 4
	if wide {
		size = 8
	}
	if offset < 0 || offset+size > len(data) {
		return errRecord
	}
	if b := data[offset:]; wide {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)+uint64(value))
	} else {
		binary.LittleEndian.PutUint32(b, binary.LittleEndian.Uint32(b)+uint32(value))
	}
	return nil
}

// Image is what an operation's version entry keeps for its undo.
type Image struct {
	// Before is the data before a replace.
	Before []byte
	// Delta was added at Offset by a delta.
	Delta  int64
	Offset uint16
}

// Undo takes back the operation of the record's version entry at the record's line (spec chapter 05, 21.6).
func Undo(p page.Page, r *logstore.Undo, image Image) error {
	line := int(r.Line)
	if line >= p.Lines() {
		return errRecord
	}
	switch r.Oper {
	case logstore.OperInsert:
		p.SetLineFlags(line, p.LineFlags(line)|page.NodeDeleted)
	case logstore.OperFlagDelete:
		p.SetLineFlags(line, p.LineFlags(line)&^page.NodeDeleted)
	case logstore.OperReplace:
		claimed := len(image.Before) - len(p.LineData(line))
		if err := p.ReplaceData(line, image.Before); err != nil {
			return err
		}
		left := p.CbUncommittedFree() - max(0, claimed)
		p.SetCbUncommittedFree(min(max(0, left), p.CbFree()))
	case logstore.OperDelta, logstore.OperDelta64:
		if err := addAt(p, line, int(image.Offset), r.Oper == logstore.OperDelta64, -image.Delta); err != nil {
			return err
		}
	default:
		return errRecord
	}
	p.SetDBTime(r.DBTime)
	return nil
}

// SetExternalHeader replaces the page's external header.
func SetExternalHeader(p page.Page, r *logstore.SetExternalHeader) error {
	if err := p.SetExtHeader(r.Data); err != nil {
		return err
	}
	setUncommitted(p, p.CbUncommittedFree())
	p.SetDBTime(r.DBTime)
	return nil
}
