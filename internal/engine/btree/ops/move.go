package ops

import (
	"encoding/binary"

	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// PageMoveUses names the pages of the move of a page that is no root, in latching order.
func PageMoveUses(r *logstore.PageMove) []Use {
	uses := []Use{{Pgno: r.Parent, Before: r.DBTimeParentBefore}}
	if r.Left != jet.PgnoNull {
		uses = append(uses, Use{Pgno: r.Left, Before: r.DBTimeLeftBefore})
	}
	uses = append(uses, moveUses(r)...)
	if r.Right != jet.PgnoNull {
		uses = append(uses, Use{Pgno: r.Right, Before: r.DBTimeRightBefore})
	}
	return uses
}

// moveUses are the page that moves and where it moves to.
func moveUses(r *logstore.PageMove) []Use {
	return []Use{{Pgno: r.Pgno, Before: r.DBTimeBefore}, {Pgno: r.Dest, Before: jet.DBTimeNil, New: true}}
}

// PageMove moves a page that is no root to another number: its siblings and its parent point to the new one (spec
// chapter 05, 21.3). An error leaves the pages in no sound state.
func PageMove(pages Pages, r *logstore.PageMove) error {
	if err := moveImage(pages, r); err != nil {
		return err
	}
	if p, apply := pages.Page(r.Left); apply && r.Left != jet.PgnoNull {
		p.SetNext(r.Dest)
		p.SetDBTime(r.DBTime)
	}
	if p, apply := pages.Page(r.Right); apply && r.Right != jet.PgnoNull {
		p.SetPrev(r.Dest)
		p.SetDBTime(r.DBTime)
	}
	if p, apply := pages.Page(r.Parent); apply {
		if r.LineParent < 0 || int(r.LineParent) >= p.Lines() {
			return errRecord
		}
		if err := p.ReplaceData(int(r.LineParent), binary.LittleEndian.AppendUint32(nil, uint32(r.Dest))); err != nil {
			return err
		}
		p.SetDBTime(r.DBTime)
	}
	return nil
}

// moveImage makes the record's image the content of the new page, and empties the old one.
func moveImage(pages Pages, r *logstore.PageMove) error {
	if dest, apply := pages.Page(r.Dest); apply {
		gap := len(dest) - len(r.Header) - len(r.Trailer)
		if gap < 0 || len(r.Header) < dest.HeaderSize() {
			return errNoImage
		}
		copy(dest, r.Header)
		clear(dest[len(r.Header) : len(r.Header)+gap])
		copy(dest[len(r.Header)+gap:], r.Trailer)
		dest.SetPgno(r.Dest)
		dest.SetDBTime(r.DBTime)
	}
	if p, apply := pages.Page(r.Pgno); apply {
		if err := emptyPage(p); err != nil {
			return err
		}
		p.SetDBTime(r.DBTime)
	}
	return nil
}

// RootMoveGroup is the move of a tree's root and the roots of its space trees, with all that names them: the records
// of a RootPageMove macro (spec chapter 05, 14). It is applied as a whole or not at all.
type RootMoveGroup struct {
	DBTime jet.DBTime
	Moves  []*logstore.PageMove
	// Changes are the space headers of the trees below (SetExternalHeader) and the rows of both catalogs (Replace).
	Changes []logstore.NodeRecord
}

// Uses names the group's pages in latching order.
func (g *RootMoveGroup) Uses() []Use {
	uses := make([]Use, 0, 2*len(g.Moves)+len(g.Changes))
	for _, m := range g.Moves {
		uses = append(uses, moveUses(m)...)
	}
	for _, c := range g.Changes {
		op := c.Page()
		uses = append(uses, Use{Pgno: op.Pgno, Before: op.DBTimeBefore})
	}
	return uses
}

// Apply does the move on the pages that need it. An error leaves the pages in no sound state.
func (g *RootMoveGroup) Apply(pages Pages) error {
	var root, owned *logstore.PageMove
	for _, m := range g.Moves {
		switch m.MoveFlags {
		case logstore.MoveRootFDP:
			root = m
		case logstore.MoveRootOE:
			owned = m
		case logstore.MoveRootAE:
		default:
			return errRecord
		}
		if err := moveImage(pages, m); err != nil {
			return err
		}
	}
	if len(g.Moves) != 3 || root == nil || owned == nil {
		return errRecord
	}
	if p, apply := pages.Page(root.Dest); apply {
		if err := setSpace(p, func(h *SpaceHeader) { h.Map = uint32(owned.Dest) }); err != nil {
			return err
		}
	}
	for _, c := range g.Changes {
		if err := g.change(pages, c); err != nil {
			return err
		}
	}
	return nil
}

func (g *RootMoveGroup) change(pages Pages, c logstore.NodeRecord) error {
	p, apply := pages.Page(c.Page().Pgno)
	if !apply {
		return nil
	}
	switch c := c.(type) {
	case *logstore.SetExternalHeader:
		if len(c.Data) != SpaceHeaderSize {
			return errRecord
		}
		p.SetDBTime(g.DBTime)
		return setSpace(p, func(h *SpaceHeader) { *h = getSpaceHeader(c.Data) })
	case *logstore.Replace:
		return Replace(p, c)
	}
	return errRecord
}

// setSpace changes the space header of a root; the rest of the external header stays.
func setSpace(p page.Page, change func(h *SpaceHeader)) error {
	h, err := ParseRootHeader(p.ExtHeader())
	if err != nil {
		return err
	}
	change(&h.Space)
	return p.SetExtHeader(h.Append(nil))
}
