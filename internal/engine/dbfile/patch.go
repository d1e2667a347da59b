package dbfile

import (
	"esent/internal/checksum"
	"esent/internal/jet"
)

// Trailer is the page behind the last one of a backup copy (PATCHHDR, spec chapters 02, 2 and 06, 3.4): what
// became known while the pages were being copied, to be merged into the header at restore.
type Trailer struct {
	Backup          jet.BackupInfo
	SignDB, SignLog jet.Signature
	// The required range when the copy ended; zero below engine format version 9300.
	GenMinRequired, GenMaxRequired, GenMaxCommitted int32
	GenMaxRequiredAt, GenMaxCommittedAt             jet.LogTime
}

// layout is the trailer's layout.
func (t *Trailer) layout(c coder) {
	c.backup(40, &t.Backup)
	c.signature(64, &t.SignDB)
	c.signature(92, &t.SignLog)
	field32(c, 120, &t.GenMinRequired)
	field32(c, 124, &t.GenMaxRequired)
	field32(c, 128, &t.GenMaxCommitted)
	c.time(132, &t.GenMaxRequiredAt)
	c.time(140, &t.GenMaxCommittedAt)
}

// Encode fills page, of the database's page size, with the trailer and its checksum.
func (t *Trailer) Encode(page []byte) {
	clear(page)
	t.layout(coder{page: page, put: true})
	le.PutUint32(page, checksum.XOR(page))
}

// DecodeTrailer reads a trailer page; a wrong checksum gives ErrBadPatchPage.
func DecodeTrailer(page []byte) (Trailer, error) {
	var t Trailer
	if checksum.XOR(page) != le.Uint32(page) || !LooksLikeTrailer(page) {
		return t, jet.ErrBadPatchPage
	}
	t.layout(coder{page: page})
	return t, nil
}

// LooksLikeTrailer tells a trailer from a data page: what would be page number, dbtime and object id is zero.
func LooksLikeTrailer(page []byte) bool {
	return le.Uint64(page[4:]) == 0 && le.Uint32(page[12:]) == 0 && le.Uint32(page[24:]) == 0
}

// Matches checks that the trailer belongs to the backup copy with header h, else ErrDatabasePatchFileMismatch.
func (t *Trailer) Matches(h *Header) error {
	if t.SignDB != h.SignDB || t.SignLog != h.SignLog || t.Backup.Mark != h.FullCur.Mark {
		return jet.ErrDatabasePatchFileMismatch
	}
	return nil
}
