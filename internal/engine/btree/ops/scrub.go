package ops

import (
	"esent/internal/engine/compress"
	"esent/internal/engine/page"
	"esent/internal/logstore"
)

// What a line of a page is scrubbed of (spec chapters 02, 11 and 05, 13.3).
const (
	scrubNone    = 0
	scrubDeleted = 1 // the data of a deleted node
	scrubChunk   = 2 // a chunk of a long value that nobody refers to
)

// What scrubbed bytes become: of deleted data, orphaned chunks, free space, and of pages without use.
const (
	fillDeleted = 'D'
	fillChunk   = 'L'
	fillFree    = 'Z'
	fillUnused  = 'U'
)

// Scrub overwrites what a page still holds of deleted data. Keys stay.
func Scrub(p page.Page, r *logstore.Scrub) error {
	fill := byte(fillFree)
	if r.Unused() {
		fill = fillUnused
		if err := p.TruncateLines(0); err != nil {
			return err
		}
	} else if err := scrubLines(p, r.Ops); err != nil {
		return err
	}
	if err := p.FillFree(fill); err != nil {
		return err
	}
	p.SetFlags(p.Flags() | page.FlagScrubbed)
	p.SetDBTime(r.DBTime)
	return nil
}

func scrubLines(p page.Page, oper []byte) error {
	if len(oper) != p.Lines() {
		return errRecord
	}
	for i, o := range oper {
		data := p.LineData(i)
		switch o {
		case scrubNone:
			continue
		case scrubDeleted:
			fill(data, fillDeleted)
		case scrubChunk:
			fill(data, fillChunk)
			if len(data) > 0 {
				data[0] = byte(compress.Scrub) << 3
			}
		default:
			return errRecord
		}
		p.SetLineFlags(i, p.LineFlags(i)&^page.NodeVersion)
	}
	return nil
}

func fill(b []byte, with byte) {
	for i := range b {
		b[i] = with
	}
}
