package engine

import (
	"encoding/binary"

	"esent/internal/engine/dbfile"
	"esent/internal/jet"
)

// miscSizes are the lengths of JET_DBINFOMISC and its successors: each is the beginning of the next.
var miscSizes = [...]int{216, 296, 300, 348, 380, 400, 416}

// putMisc fills buf with a header as JET_DBINFOMISC, JET_DBINFOMISC2 … JET_DBINFOMISC7 have it; the buffer's length
// says which (ErrInvalidBufferSize for another).
func putMisc(buf []byte, h *dbfile.Header) error {
	for _, n := range miscSizes {
		if len(buf) == n {
			copy(buf, DatabaseMisc(h))
			return nil
		}
	}
	return jet.ErrInvalidBufferSize
}

// DatabaseMisc is a header as JET_DBINFOMISC7.
func DatabaseMisc(h *dbfile.Header) []byte {
	m := misc{}
	m.header(h)
	return m.b
}

// misc builds the structure field by field.
type misc struct{ b []byte }

func (m *misc) u32(v ...uint32) {
	for _, x := range v {
		m.b = binary.LittleEndian.AppendUint32(m.b, x)
	}
}

func (m *misc) pos(p jet.LogPos)          { m.b = binary.LittleEndian.AppendUint64(m.b, uint64(p)) }
func (m *misc) time(t jet.LogTime)        { m.b = append(m.b, t[:]...) }
func (m *misc) signature(s jet.Signature) { m.b = append(m.b, s[:]...) }

func (m *misc) backups(list ...jet.BackupInfo) {
	for _, k := range list {
		var b [jet.BackupInfoSize]byte
		k.Put(b[:])
		m.b = append(m.b, b[:]...)
	}
}

func (m *misc) header(h *dbfile.Header) {
	m.u32(h.Version.Major, h.Version.UpdateMajor)
	m.signature(h.SignDB)
	m.u32(uint32(h.State))
	m.pos(h.Consistent)
	m.time(h.ConsistentAt)
	m.time(h.AttachedAt)
	m.pos(h.Attach)
	m.time(h.DetachedAt)
	m.pos(h.Detach)
	m.signature(h.SignLog)
	m.backups(h.FullPrev, h.IncPrev, h.FullCur)
	m.u32(h.DBFlags&dbfile.DBFlagShadowingOff, 0, h.OSMajor, h.OSMinor, h.OSBuild, uint32(h.OSServicePack), uint32(h.PageSize()))
	m.u32(uint32(h.GenMinRequired), uint32(h.GenMaxRequired))
	m.time(h.GenMaxCreatedAt)
	m.u32(h.RepairCount)
	m.time(h.RepairedAt)
	m.u32(h.RepairCountOld, h.ECCFixSuccess)
	m.time(h.ECCFixSuccessAt)
	m.u32(h.ECCFixSuccessOld, h.ECCFixFail)
	m.time(h.ECCFixFailAt)
	m.u32(h.ECCFixFailOld, h.BadChecksum)
	m.time(h.BadChecksumAt)
	m.u32(h.BadChecksumOld, uint32(h.GenMaxCommitted))
	m.backups(h.CopyPrev, h.DiffPrev)
	m.u32(h.ReseedCount)
	m.time(h.ReseededAt)
	m.u32(h.ReseedCountOld, h.PagePatchCount)
	m.time(h.PagePatchedAt)
	m.u32(h.PagePatchCountOld)
	m.time(h.ScanEndedAt)
	m.time(h.ScanStartedAt)
	m.u32(uint32(h.ScanHighestContinuous))
	m.time(h.ReAttachedAt)
	m.pos(h.ReAttach)
}
