package page

import "esent/internal/jet"

// PreInit makes p the image of a page that was given to tree id and holds nothing yet
// (spec chapter 02, 7.4, "New page").
func (p Page) PreInit(pgno jet.Pgno, id jet.ObjID, t jet.DBTime) {
	clear(p)
	p.SetFlags(FlagPreInit | FlagNewRecordFormat)
	p.SetObjID(id)
	p.SetDBTime(t)
	p.setCbFree(len(p) - p.HeaderSize())
	p.SetPgno(pgno)
}

// Consume turns a pre-initialised page into one with an empty external header and no lines. reservedTags is
// whether the database has the reserved-tag format (1568.270.560).
func (p Page) Consume(flags Flags, reservedTags bool) {
	p.SetFlags(flags&^FlagPreInit | FlagNewRecordFormat)
	state := 1
	if reservedTags {
		state |= 1 << reservedShift
	}
	p.setU16(offTagState, state)
	p.setMicFree(0)
	p.SetCbUncommittedFree(0)
	p.setCbFree(len(p) - p.HeaderSize() - tagSize)
	p.setTag(0, 0, 0, 0)
}

// Init makes p an empty page of tree id at once: PreInit and Consume.
func (p Page) Init(pgno jet.Pgno, id jet.ObjID, t jet.DBTime, flags Flags, reservedTags bool) {
	p.PreInit(pgno, id, t)
	p.Consume(flags, reservedTags)
}

// Clear removes all lines and makes ext the external header; the rest of the page's header stays, but
// CbUncommittedFree becomes zero. Further reserved tags are dropped.
func (p Page) Clear(ext []byte) error {
	if len(ext) > Capacity(len(p)) {
		return errNoSpace
	}
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	// ext may be the present external header.
	kept := s.data[:copy(s.data[:], ext)]
	p.Consume(p.Flags(), p.u16(offTagState)>>reservedShift&reservedMask != 0)
	return p.SetExtHeader(kept)
}

// CopyLines makes the lines from up to but without to of src the lines of p, behind those it has, encoded
// against p's prefix key. p and src are different pages.
func (p Page) CopyLines(src Page, from, to int) error {
	for i := from; i < to; i++ {
		if err := p.AppendNode(src.Line(i)); err != nil {
			return err
		}
	}
	return nil
}

// TruncateLines removes the lines from n on.
func (p Page) TruncateLines(n int) error {
	for i := p.Lines() - 1; i >= n; i-- {
		if err := p.DeleteLine(i); err != nil {
			return err
		}
	}
	return nil
}

// SetPrefix makes prefix the page's prefix key and encodes all lines against it. On roots of space trees the
// split buffer before it stays; ordinary roots have no prefix key (spec chapter 03, 1.3). When the lines do
// not fit with the new prefix, the page stays as it was. prefix may lie in the page.
func (p Page) SetPrefix(prefix []byte) error {
	f := p.Flags()
	if f&FlagRoot != 0 && f&FlagSpaceTree == 0 {
		if len(prefix) == 0 {
			return nil
		}
		return errPrefix
	}
	s, d := scratches.Get().(*scratch), scratches.Get().(*scratch)
	defer scratches.Put(s)
	defer scratches.Put(d)
	old := Page(s.data[:copy(s.data[:], p)])
	ext := d.data[:0]
	if f&FlagRoot != 0 {
		h := old.ExtHeader()
		ext = append(ext, h[:min(splitBufferSize, len(h))]...)
		if len(prefix) > 0 && len(ext) < splitBufferSize {
			ext = ext[:splitBufferSize]
			clear(ext[len(h):])
		}
	}
	ext = append(ext, prefix...)
	uncommitted := p.CbUncommittedFree()
	err := p.Clear(ext)
	if err == nil {
		err = p.CopyLines(old, 0, old.Lines())
	}
	if err != nil {
		copy(p, old)
		return err
	}
	p.SetCbUncommittedFree(min(uncommitted, p.CbFree()))
	return nil
}
