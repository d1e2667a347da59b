package ops

import (
	"encoding/binary"

	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// MergeGroup is one merge with all that it changes: the records of a merge macro (spec chapters 03, 7 and 05,
// 21.5). It is applied as a whole or not at all.
type MergeGroup struct {
	DBTime jet.DBTime
	// Path is from the topmost page that changes down to the leaf.
	Path []*logstore.Merge
}

// Uses names the group's pages in latching order: from the top, at the leaves left, current, right.
func (g *MergeGroup) Uses() []Use {
	uses := make([]Use, 0, len(g.Path)+2)
	for i, r := range g.Path {
		leaf := i == len(g.Path)-1
		if leaf && r.Left != jet.PgnoNull {
			uses = append(uses, Use{r.Left, r.DBTimeLeftBefore, false})
		}
		uses = append(uses, Use{r.Pgno, r.DBTimeBefore, false})
		if leaf && r.Right != jet.PgnoNull {
			uses = append(uses, Use{r.Right, r.DBTimeRightBefore, false})
		}
	}
	return uses
}

// Apply does the merge on the pages that need it. An error leaves the pages in no sound state; it means that
// record and page do not belong together.
func (g *MergeGroup) Apply(pages Pages) error {
	if len(g.Path) == 0 {
		return errRecord
	}
	leaf := g.Path[len(g.Path)-1]
	if err := g.mergeLeaf(pages, leaf); err != nil {
		return err
	}
	for i := len(g.Path) - 2; i >= 0; i-- {
		if err := g.mergeParent(pages, g.Path[i], g.Path[i+1], leaf); err != nil {
			return err
		}
	}
	return nil
}

// mergeLeaf moves the lines and links, and stamps the leaf and both siblings: all that a record names are
// stamped, whatever its kind.
func (g *MergeGroup) mergeLeaf(pages Pages, r *logstore.Merge) error {
	s, applyS := pages.Page(r.Pgno)
	left, applyL := pages.Page(r.Left)
	right, applyR := pages.Page(r.Right)
	applyL = applyL && r.Left != jet.PgnoNull
	applyR = applyR && r.Right != jet.PgnoNull

	toRight := r.Kind == logstore.MergeFullRight || r.Kind == logstore.MergePartialRight
	toLeft := r.Kind == logstore.MergeFullLeft || r.Kind == logstore.MergePartialLeft
	if toRight && applyR || toLeft && applyL {
		src := s
		if !applyS {
			if len(r.Image) == 0 {
				return errNoImage
			}
			size := len(right)
			if toLeft {
				size = len(left)
			}
			var err error
			if src, err = DecodeImage(r.Image, r.ImageFlags, size); err != nil {
				return err
			}
		}
		if err := moveLines(src, left, right, r); err != nil {
			return err
		}
	}
	if unlinks := r.Kind != logstore.MergePartialRight && r.Kind != logstore.MergePartialLeft; unlinks {
		if applyL {
			left.SetNext(r.Right)
		}
		if applyR {
			right.SetPrev(r.Left)
		}
		if applyS {
			if err := emptyPage(s); err != nil {
				return err
			}
		}
	} else if applyS {
		if err := cutMerged(s, r); err != nil {
			return err
		}
	}
	if applyL {
		left.SetDBTime(g.DBTime)
	}
	if applyS {
		s.SetDBTime(g.DBTime)
	}
	if applyR {
		right.SetDBTime(g.DBTime)
	}
	return nil
}

// moveLines copies the lines of src that a merge moves, without the deleted ones, to the page that takes them.
func moveLines(src, left, right page.Page, r *logstore.Merge) error {
	from, to := 0, src.Lines()
	switch r.Kind {
	case logstore.MergePartialRight:
		from = int(r.LineMerge)
	case logstore.MergePartialLeft:
		to = int(r.LineMerge) + 1
	}
	if from > src.Lines() || to > src.Lines() {
		return errRecord
	}
	dest, at := left, 0
	if r.Kind == logstore.MergeFullRight || r.Kind == logstore.MergePartialRight {
		dest = right
	} else {
		at = left.Lines()
	}
	for i := from; i < to; i++ {
		n := src.Line(i)
		if n.Flags&page.NodeDeleted != 0 {
			continue
		}
		if err := dest.InsertNode(at, n); err != nil {
			return err
		}
		at++
	}
	setUncommitted(dest, int(r.UncommittedFree))
	return nil
}

// cutMerged removes the lines that a partial merge moved, and with them the deleted ones that stay.
func cutMerged(s page.Page, r *logstore.Merge) error {
	for i := s.Lines() - 1; i >= 0; i-- {
		moved := i >= int(r.LineMerge)
		if r.Kind == logstore.MergePartialLeft {
			moved = i <= int(r.LineMerge)
		}
		if moved || s.LineFlags(i)&page.NodeDeleted != 0 {
			if err := s.DeleteLine(i); err != nil {
				return err
			}
		}
	}
	setUncommitted(s, s.CbUncommittedFree())
	return nil
}

// mergeParent changes the pointers in an internal page of the path.
func (g *MergeGroup) mergeParent(pages Pages, r, child, leaf *logstore.Merge) error {
	p, apply := pages.Page(r.Pgno)
	if !apply {
		return nil
	}
	line := int(r.Line)
	if line >= p.Lines() {
		return errRecord
	}
	var err error
	switch {
	case r.MergeFlags&logstore.MergeEmptiesPage != 0:
		err = emptyPage(p)
	case leaf.Kind == logstore.MergeFullLeft && r.MergeFlags == logstore.MergeKeyChange|logstore.MergeDeleteNode:
		if line == 0 {
			return errRecord
		}
		var pointer [4]byte
		binary.LittleEndian.PutUint32(pointer[:], uint32(leaf.Left))
		if err = p.ReplaceData(line, pointer[:]); err == nil {
			err = p.DeleteLine(line - 1)
		}
	case r.MergeFlags&logstore.MergeDeleteNode != 0:
		err = deletePointer(p, line)
	case r.MergeFlags&logstore.MergeKeyChange != 0:
		if leaf.Kind == logstore.MergePartialLeft {
			line--
		}
		key := leaf.ParentKey
		if len(key) == 0 {
			c, _ := pages.Page(child.Pgno)
			if c == nil || c.Lines() == 0 {
				return errRecord
			}
			key = c.AppendKey(c.Lines()-1, nil)
		}
		err = p.ReplaceKey(line, key)
	}
	if err != nil {
		return err
	}
	p.SetDBTime(g.DBTime)
	return nil
}

// deletePointer removes a pointer; an empty key, which stands for the end of its level, passes to the line
// before it.
func deletePointer(p page.Page, line int) error {
	last := line == p.Lines()-1 && p.KeyLen(line) == 0
	if last && line == 0 {
		return errRecord
	}
	if err := p.DeleteLine(line); err != nil {
		return err
	}
	if last {
		return p.ReplaceKey(line-1, nil)
	}
	return nil
}
