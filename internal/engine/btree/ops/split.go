package ops

import (
	"bytes"
	"encoding/binary"

	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// SplitGroup is one split with all that it changes: the records of a split macro (spec chapters 03, 6 and 05,
// 21.4). It is applied as a whole or not at all.
type SplitGroup struct {
	Format
	DBTime jet.DBTime
	// Path is from the topmost page that changes down to the leaf.
	Path []*logstore.Split
	// Leaf is the operation that the split is done for: *logstore.Insert, *logstore.FlagInsertAndReplaceData,
	// a full *logstore.Replace, or nil.
	Leaf logstore.NodeRecord
}

// Uses names the group's pages in latching order: from the top, each split page before its new page, at the
// leaves then the right sibling.
func (g *SplitGroup) Uses() []Use {
	uses := make([]Use, 0, 2*len(g.Path)+1)
	for _, r := range g.Path {
		uses = append(uses, Use{r.Pgno, r.DBTimeBefore, false})
		if r.NewPage != jet.PgnoNull {
			uses = append(uses, Use{r.NewPage, jet.DBTimeNil, true})
		}
	}
	if n := len(g.Path); n > 0 && g.Path[n-1].Right != jet.PgnoNull {
		uses = append(uses, Use{g.Path[n-1].Right, g.Path[n-1].DBTimeRightBefore, false})
	}
	return uses
}

// Apply does the split on the pages that need it. An error leaves the pages in no sound state; it means that
// record and page do not belong together.
func (g *SplitGroup) Apply(pages Pages) error {
	for i, r := range g.Path {
		var o LineChange
		var err error
		if i+1 < len(g.Path) {
			o.SetPointer(int(r.LineOper), g.Path[i+1].ParentKey, g.Path[i+1].Pgno, g.Path[i+1].NewPage)
		} else if err = o.setLeaf(r, g.Leaf); err != nil {
			return err
		}
		if r.NewPage == jet.PgnoNull {
			err = g.receive(pages, r, &o)
		} else {
			err = g.split(pages, r, &o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// LineChange is the operation that takes place at one level together with the split: the leaf operation, or the
// insertion of the pointer to a page that is split below. Lines are counted with the operation done.
type LineChange struct {
	Oper logstore.SplitOper
	Line int
	// Node is the node to insert, or has the new data.
	Node page.Node
	// Next is the data that the line behind gets: the pointer to the page split off below.
	Next    []byte
	pointer [8]byte
}

// SetPointer makes o the insertion of (key, child) at line, before the line that then points to newChild.
func (o *LineChange) SetPointer(line int, key []byte, child, newChild jet.Pgno) {
	binary.LittleEndian.PutUint32(o.pointer[:], uint32(child))
	binary.LittleEndian.PutUint32(o.pointer[4:], uint32(newChild))
	o.Oper, o.Line = logstore.SplitOperInsert, line
	o.Node = page.Node{Suffix: key, Data: o.pointer[:4]}
	o.Next = o.pointer[4:]
}

// Lines is the number of lines that src has after the operation.
func (o *LineChange) Lines(src page.Page) int {
	if o.inserts() {
		return src.Lines() + 1
	}
	return src.Lines()
}

func (o *LineChange) setLeaf(r *logstore.Split, leaf logstore.NodeRecord) error {
	o.Line = int(r.LineOper)
	switch l := leaf.(type) {
	case nil:
		return nil
	case *logstore.Insert:
		o.Oper = logstore.SplitOperInsert
		o.Node = page.Node{Suffix: l.Key, Data: l.Data, Flags: versioned(l.Flags)}
	case *logstore.FlagInsertAndReplaceData:
		o.Oper = logstore.SplitOperFlagInsertAndReplaceData
		o.Node = page.Node{Data: l.Data, Flags: versioned(l.Flags)}
	case *logstore.Replace:
		if l.IsDiff {
			return errRecord
		}
		o.Oper = logstore.SplitOperReplace
		o.Node = page.Node{Data: l.Data, Flags: versioned(l.Flags)}
	default:
		return errRecord
	}
	return nil
}

func (o *LineChange) inserts() bool { return o.Oper == logstore.SplitOperInsert }

// At gives line i of src as it is after the operation.
func (o *LineChange) At(src page.Page, i int) page.Node {
	switch {
	case o.Oper == logstore.SplitOperNone:
		return src.Line(i)
	case o.inserts():
		if i < o.Line {
			return src.Line(i)
		}
		if i == o.Line {
			return o.Node
		}
		n := src.Line(i - 1)
		if i == o.Line+1 && o.Next != nil {
			n.Data = o.Next
		}
		return n
	}
	n := src.Line(i)
	if i == o.Line {
		n.Data = o.Node.Data
		n.Flags |= o.Node.Flags
		if o.Oper == logstore.SplitOperFlagInsertAndReplaceData {
			n.Flags &^= page.NodeDeleted
		}
	}
	return n
}

// do performs the operation on p, whose lines before limit (counted afterwards) are the page's own.
func (o *LineChange) do(p page.Page, limit int) error {
	if o.Oper == logstore.SplitOperNone || o.Line >= limit {
		return nil
	}
	if o.inserts() {
		if err := p.InsertLine(o.Line, o.Node.Suffix, o.Node.Flags, o.Node.Data); err != nil {
			return err
		}
		if o.Next != nil && o.Line+1 < limit {
			return p.ReplaceData(o.Line+1, o.Next)
		}
		return nil
	}
	if err := p.ReplaceData(o.Line, o.Node.Data); err != nil {
		return err
	}
	f := p.LineFlags(o.Line) | o.Node.Flags
	if o.Oper == logstore.SplitOperFlagInsertAndReplaceData {
		f &^= page.NodeDeleted
	}
	p.SetLineFlags(o.Line, f)
	return nil
}

// receive puts the pointer to a page split off below into a page that is not split itself.
func (g *SplitGroup) receive(pages Pages, r *logstore.Split, o *LineChange) error {
	p, apply := pages.Page(r.Pgno)
	if !apply {
		return nil
	}
	if o.Next == nil || o.Line >= p.Lines() {
		return errRecord
	}
	if err := o.do(p, p.Lines()+1); err != nil {
		return err
	}
	p.SetDBTime(g.DBTime)
	return nil
}

func (g *SplitGroup) split(pages Pages, r *logstore.Split, o *LineChange) error {
	s, applySplit := pages.Page(r.Pgno)
	n, applyNew := pages.Page(r.NewPage)
	if applyNew {
		src := s
		if !applySplit {
			var err error
			if src, err = g.source(r, o, len(n)); err != nil {
				return err
			}
		}
		if err := g.fillNew(n, src, r, o); err != nil {
			return err
		}
	}
	if applySplit {
		if err := g.cutSplit(s, r, o); err != nil {
			return err
		}
		s.SetDBTime(g.DBTime)
	}
	if r.Right != jet.PgnoNull {
		if p, apply := pages.Page(r.Right); apply {
			p.SetPrev(r.NewPage)
			p.SetDBTime(g.DBTime)
		}
	}
	return nil
}

// source gives the split page as it was, for redo of the new page when the split page is newer already: nil if
// nothing but the inserted node moves, else the record's image.
func (g *SplitGroup) source(r *logstore.Split, o *LineChange, pageSize int) (page.Page, error) {
	if len(r.Image) > 0 {
		return DecodeImage(r.Image, r.ImageFlags, pageSize)
	}
	if o.inserts() && o.Next == nil && r.Kind != logstore.SplitVertical &&
		r.LineOper == r.LineSplit && int(r.LineOper) == int(r.Lines)-1 {
		return nil, nil
	}
	return nil, errNoImage
}

// fillNew makes the new page n from the lines of src, the split page before the split.
func (g *SplitGroup) fillNew(n, src page.Page, r *logstore.Split, o *LineChange) error {
	from, to := int(r.LineSplit), int(r.Lines)
	if r.Kind == logstore.SplitVertical {
		from = 0
	}
	if src != nil {
		have := src.Lines()
		if o.inserts() {
			have++
		}
		if have != to || from >= to || o.Oper != logstore.SplitOperNone && o.Line >= to {
			return errRecord
		}
	}
	flags := cleanFlags(r.NewFlags)
	n.Init(r.NewPage, r.ObjID, g.DBTime, flags, g.ReservedTags)
	if r.LinePrefixNew >= 0 {
		at := from + int(r.LinePrefixNew)
		if at >= to {
			return errRecord
		}
		line := o.At(src, at)
		if err := n.SetExtHeader(line.AppendKey(nil)); err != nil {
			return err
		}
	}
	for i := from; i < to; i++ {
		if err := n.AppendNode(o.At(src, i)); err != nil {
			return err
		}
	}
	setUncommitted(n, int(r.UncommittedFreeNew))
	if flags&page.FlagLeaf != 0 && r.Kind != logstore.SplitVertical {
		n.SetPrev(r.Pgno)
		n.SetNext(r.Right)
	}
	return nil
}

// cutSplit removes from s what moved to the new page, and does the operation if its line stays.
func (g *SplitGroup) cutSplit(s page.Page, r *logstore.Split, o *LineChange) error {
	flags := cleanFlags(r.SplitFlags) | s.Flags()&page.FlushTypeMask
	leaf := s.Has(page.FlagLeaf)
	if r.Kind == logstore.SplitVertical {
		if err := s.Clear(s.ExtHeader()); err != nil {
			return err
		}
		var child [4]byte
		binary.LittleEndian.PutUint32(child[:], uint32(r.NewPage))
		if err := s.InsertLine(0, nil, 0, child[:]); err != nil {
			return err
		}
		s.SetFlags(flags)
		return nil
	}
	split := int(r.LineSplit)
	kept := split
	if o.inserts() && o.Line < split {
		kept--
	}
	if kept > s.Lines() {
		return errRecord
	}
	if r.Kind == logstore.SplitRight {
		if err := s.TruncateLines(kept); err != nil {
			return err
		}
		if !bytes.Equal(r.NewPrefix, s.PrefixKey()) {
			if err := s.SetPrefix(r.NewPrefix); err != nil {
				return err
			}
		}
		if err := o.do(s, split); err != nil {
			return err
		}
	}
	s.SetFlags(flags)
	setUncommitted(s, int(r.UncommittedFreeSplit))
	if leaf {
		s.SetNext(r.NewPage)
	}
	return nil
}

func setUncommitted(p page.Page, n int) { p.SetCbUncommittedFree(min(max(0, n), p.CbFree())) }
