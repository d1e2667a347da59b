package logstore

import "esent/internal/jet"

// Flags of a page record (spec chapter 05, 13.2).
const (
	OpVersioned  uint8 = 0x01 // the operation has a version entry
	OpDeleted    uint8 = 0x02 // the node was flag-deleted before; current writers leave it clear
	OpUnique     uint8 = 0x04 // the tree has unique keys
	OpSpace      uint8 = 0x08 // the tree is a space tree
	OpConcurrent uint8 = 0x10 // done for an index that is being created concurrently
	OpSystemTask uint8 = 0x20 // done by the engine's own background work
)

const (
	pageOpSize = 32
	nodeOpSize = 44
)

// PageOp is the part that all page records have in common (LRPAGE, spec chapter 05, 13.2).
type PageOp struct {
	Proc jet.ProcID
	DB   jet.DBID
	Pgno jet.Pgno
	// DBTime is the value that the operation stamps on the page, DBTimeBefore the page's value until then:
	// jet.DBTimeNil for a new page, in the leaf record of a split, and in UndoInfo.
	DBTime, DBTimeBefore jet.DBTime
	// Trx is the begin time of the session's transaction, Level the transaction level of the operation.
	Trx   jet.Trx
	Level uint8
	// Line is the line within the page, from 0, the external header not counted.
	Line uint16
	// Flags is a set of Op bits.
	Flags uint8
}

// Page gives the common part of any page record.
func (p *PageOp) Page() *PageOp { return p }

func (p *PageOp) put(b []byte, t RecType) {
	_ = b[pageOpSize-1]
	b[0] = byte(t)
	le.PutUint16(b[1:], uint16(p.Proc))
	b[3] = byte(p.DB)
	le.PutUint32(b[4:], uint32(p.Pgno))
	le.PutUint64(b[8:], uint64(p.DBTime))
	le.PutUint64(b[16:], uint64(p.DBTimeBefore))
	le.PutUint32(b[24:], uint32(p.Trx))
	b[28] = p.Level
	le.PutUint16(b[29:], p.Line)
	b[31] = p.Flags
}

func (p *PageOp) get(b []byte) {
	_ = b[pageOpSize-1]
	*p = PageOp{
		Proc: jet.ProcID(le.Uint16(b[1:])), DB: jet.DBID(b[3]), Pgno: jet.Pgno(le.Uint32(b[4:])),
		DBTime: jet.DBTime(le.Uint64(b[8:])), DBTimeBefore: jet.DBTime(le.Uint64(b[16:])),
		Trx: jet.Trx(le.Uint32(b[24:])), Level: b[28], Line: le.Uint16(b[29:]), Flags: b[31],
	}
}

// NodeOp is what node records add to PageOp (LRNODE, spec chapter 05, 13.2).
type NodeOp struct {
	PageOp
	// RCE identifies the version entry, 0 for none.
	RCE   uint32
	FDP   jet.Pgno
	ObjID jet.ObjID
}

// Node gives the node part of any node record.
func (n *NodeOp) Node() *NodeOp { return n }

func (n *NodeOp) put(b []byte, t RecType) {
	_ = b[nodeOpSize-1]
	n.PageOp.put(b, t)
	le.PutUint32(b[32:], n.RCE)
	le.PutUint32(b[36:], uint32(n.FDP))
	le.PutUint32(b[40:], uint32(n.ObjID))
}

func (n *NodeOp) get(b []byte) {
	_ = b[nodeOpSize-1]
	n.PageOp.get(b)
	n.RCE = le.Uint32(b[32:])
	n.FDP = jet.Pgno(le.Uint32(b[36:]))
	n.ObjID = jet.ObjID(le.Uint32(b[40:]))
}
