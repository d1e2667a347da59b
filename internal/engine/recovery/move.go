package recovery

import (
	"encoding/binary"

	"esent/internal/engine/btree/ops"
	"esent/internal/engine/compress"
	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// applyMove moves a page to another number (spec chapter 05, 21.3, PageMove).
func applyMove(set ops.PageSet, rec *logstore.PageMove) error {
	if dest, needed := set.Page(rec.Dest); needed {
		n := len(dest) - len(rec.Header) - len(rec.Trailer)
		if n < 0 || len(rec.Header) < page.HeaderSize(len(dest)) {
			return jet.ErrLogCorrupted.Errorf("image of page %d has %d and %d bytes", rec.Pgno, len(rec.Header), len(rec.Trailer))
		}
		copy(dest, rec.Header)
		clear(dest[len(rec.Header) : len(rec.Header)+n])
		copy(dest[len(rec.Header)+n:], rec.Trailer)
		dest.SetPgno(rec.Dest)
		dest.SetDBTime(rec.DBTime)
	}
	if p, needed := set.Page(rec.Pgno); needed {
		if err := p.Clear(nil); err != nil {
			return err
		}
		p.SetFlags(p.Flags() | page.FlagEmpty)
		p.SetDBTime(rec.DBTime)
	}
	if p, needed := set.Page(rec.Left); needed && rec.Left != jet.PgnoNull {
		p.SetNext(rec.Dest)
		p.SetDBTime(rec.DBTime)
	}
	if p, needed := set.Page(rec.Right); needed && rec.Right != jet.PgnoNull {
		p.SetPrev(rec.Dest)
		p.SetDBTime(rec.DBTime)
	}
	if p, needed := set.Page(rec.Parent); needed {
		if int(rec.LineParent) < 0 || int(rec.LineParent) >= p.Lines() {
			return jet.ErrLogCorrupted.Errorf("page %d has no line %d", rec.Parent, rec.LineParent)
		}
		if err := p.ReplaceData(int(rec.LineParent), binary.LittleEndian.AppendUint32(nil, uint32(rec.Dest))); err != nil {
			return err
		}
		p.SetDBTime(rec.DBTime)
	}
	return nil
}

// decodeImage gives the page of an image from a Split record (spec chapter 05, 14).
func decodeImage(image []byte, flags uint32, pageSize int) (page.Page, error) {
	if flags&logstore.ImageCompressed != 0 {
		n, err := compress.UncompressedSize(image)
		if err == nil && n <= pageSize {
			image, err = compress.Decompress(nil, image)
		}
		if err != nil || n > pageSize {
			return nil, jet.ErrLogCorrupted.Errorf("image of a page: %v", err)
		}
	}
	p := make(page.Page, pageSize)
	if flags&logstore.ImageDehydrated != 0 {
		return p, p.Rehydrate(image)
	}
	if copy(p, image) != pageSize {
		return nil, jet.ErrLogCorrupted.Errorf("image of a page has %d bytes", len(image))
	}
	return p, nil
}
