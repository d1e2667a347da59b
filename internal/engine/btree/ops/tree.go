package ops

import (
	"math/bits"

	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// Operations that make, convert and empty trees. Format is what new pages of the database look like.

// Format says how a database formats new pages.
type Format struct {
	// ReservedTags is whether pages count their reserved tags (database version 1568.270.560 and above).
	ReservedTags bool
}

// NewPage formats p as an empty page that waits for its content.
func NewPage(p page.Page, r *logstore.NewPage) {
	p.PreInit(r.Pgno, r.ObjID, r.DBTime)
}

// rootFlags is what every root of a tree has besides its type bits.
const rootFlags = page.FlagRoot | page.FlagLeaf | page.FlagNewRecordFormat

// CreateSingleExtentFDP makes p the root of a tree with a bitmap of free pages.
func (f Format) CreateSingleExtentFDP(p page.Page, r *logstore.CreateSingleExtentFDP) error {
	flags := cleanFlags(r.PageFlags)
	h := RootHeader{Space: SpaceHeader{Pages: r.Primary, Parent: r.FDPParent, Map: fullMap(r.Primary)}}
	if flags&page.FlagNonUnique != 0 {
		h.Space.Flags = SpaceNonUnique
	}
	p.Init(r.Pgno, r.ObjID, r.DBTime, flags|rootFlags, f.ReservedTags)
	return p.SetExtHeader(h.Append(nil))
}

// fullMap is the bitmap of a single-extent tree of so many pages of which only the root is used.
func fullMap(pages uint32) uint32 {
	if pages > 32 {
		return 0xFFFFFFFF
	}
	return 1<<(max(1, pages)-1) - 1
}

// cleanFlags are page flags from a record without what belongs to a page's last write.
func cleanFlags(f uint32) page.Flags {
	return page.Flags(f) &^ (page.FlushTypeMask | page.FlagScrubbed | page.FlagPreInit)
}

// CreateMultipleExtentFDP makes the root and the two space-tree roots of a tree.
func (f Format) CreateMultipleExtentFDP(pages Pages, r *logstore.CreateMultipleExtentFDP) error {
	flags := cleanFlags(r.PageFlags)
	if p, apply := pages.Page(r.Pgno); apply {
		h := RootHeader{Space: SpaceHeader{Pages: r.Primary, Parent: r.FDPParent, Flags: SpaceMultipleExtent, Map: uint32(r.OE)}}
		if flags&page.FlagNonUnique != 0 {
			h.Space.Flags |= SpaceNonUnique
		}
		p.Init(r.Pgno, r.ObjID, r.DBTime, flags|rootFlags, f.ReservedTags)
		if err := p.SetExtHeader(h.Append(nil)); err != nil {
			return err
		}
	}
	last := r.Pgno + jet.Pgno(r.Primary) - 1
	avail := []Extent{}
	if r.Primary > 3 {
		avail = append(avail, Extent{last, r.Primary - 3})
	}
	return f.spaceRoots(pages, r.ObjID, r.DBTime, flags, r.OE, r.AE, []Extent{{last, r.Primary}}, avail)
}

// spaceRoots makes the two roots of a tree's space trees.
func (f Format) spaceRoots(pages Pages, id jet.ObjID, t jet.DBTime, flags page.Flags, oe, ae jet.Pgno, owned, avail []Extent) error {
	for _, root := range []struct {
		pgno    jet.Pgno
		extents []Extent
	}{{oe, owned}, {ae, avail}} {
		p, apply := pages.Page(root.pgno)
		if !apply {
			continue
		}
		p.Init(root.pgno, id, t, flags|rootFlags|page.FlagSpaceTree, f.ReservedTags)
		if err := p.SetExtHeader(make([]byte, SplitBuffersSize)); err != nil {
			return err
		}
		for i, e := range root.extents {
			if err := p.InsertLine(i, AppendExtentKey(nil, PoolGeneral, e.Last), 0, AppendExtentData(nil, e.Pages)); err != nil {
				return err
			}
		}
	}
	return nil
}

// CreateMultipleExtentFDPUses names the pages of a tree creation.
func CreateMultipleExtentFDPUses(r *logstore.CreateMultipleExtentFDP) []Use {
	return []Use{{r.Pgno, jet.DBTimeNil, true}, {r.OE, jet.DBTimeNil, true}, {r.AE, jet.DBTimeNil, true}}
}

// ConvertFDPUses names the pages of a conversion.
func ConvertFDPUses(r *logstore.ConvertFDP) []Use {
	return []Use{{r.Pgno, r.DBTimeBefore, false}, {r.OE, jet.DBTimeNil, true}, {r.AE, jet.DBTimeNil, true}}
}

// ConvertFDP gives a tree with a bitmap space trees of its own.
func (f Format) ConvertFDP(pages Pages, r *logstore.ConvertFDP) error {
	if p, apply := pages.Page(r.Pgno); apply {
		h, err := ParseRootHeader(p.ExtHeader())
		if err != nil {
			return err
		}
		h.Space = SpaceHeader{Pages: r.Primary, Parent: r.FDPParent, Flags: h.Space.Flags&SpaceNonUnique | SpaceMultipleExtent, Map: uint32(r.OE)}
		if err := p.SetExtHeader(h.Append(nil)); err != nil {
			return err
		}
		p.SetDBTime(r.DBTime)
	}
	flags := cleanFlags(r.PageFlags) &^ (page.FlagLeaf | page.FlagParentOfLeaf)
	owned := []Extent{{r.Pgno + jet.Pgno(r.Primary) - 1, r.Primary}}
	avail := FreeExtents(r.Pgno, r.Primary, r.Avail)
	if r.Secondary != 0 {
		last := r.SecondaryFirst + jet.Pgno(r.Secondary) - 1
		owned = insertExtent(owned, Extent{last, r.Secondary})
		if r.Secondary > 2 {
			avail = insertExtent(avail, Extent{last, r.Secondary - 2})
		}
	}
	return f.spaceRoots(pages, r.ObjID, r.DBTime, flags, r.OE, r.AE, owned, avail)
}

// FreeExtents are the runs of free pages that a bitmap tells of: bit i stands for page root+1+i, and pages that
// the bitmap does not reach are free (spec chapter 03, 9.4).
func FreeExtents(root jet.Pgno, pages, bitmap uint32) (free []Extent) {
	add := func(first jet.Pgno, n uint32) {
		if k := len(free); k > 0 && free[k-1].Last+1 == first {
			free[k-1].Last += jet.Pgno(n)
			free[k-1].Pages += n
			return
		}
		free = append(free, Extent{first + jet.Pgno(n) - 1, n})
	}
	if pages <= 1 {
		return nil
	}
	mapped := min(pages-1, 32)
	if mapped < 32 {
		bitmap &= 1<<mapped - 1
	}
	for i := uint32(0); i < mapped; {
		skip := uint32(bits.TrailingZeros32(bitmap >> i))
		if i += skip; i >= mapped {
			break
		}
		n := min(uint32(bits.TrailingZeros32(^(bitmap >> i))), mapped-i)
		add(root+1+jet.Pgno(i), n)
		i += n
	}
	if pages > 33 {
		add(root+33, pages-33)
	}
	return free
}

func insertExtent(list []Extent, e Extent) []Extent {
	i := 0
	for i < len(list) && list[i].Last < e.Last {
		i++
	}
	list = append(list, Extent{})
	copy(list[i+1:], list[i:])
	list[i] = e
	return list
}

// EmptyTreeUses names the pages of an EmptyTree record.
func EmptyTreeUses(r *logstore.EmptyTree) []Use {
	uses := []Use{{r.Pgno, r.DBTimeBefore, false}}
	for _, e := range r.Pages {
		uses = append(uses, Use{e.Pgno, e.DBTimeBefore, false})
	}
	return uses
}

// EmptyTree makes a tree's root an empty leaf and the pages below it empty pages.
func EmptyTree(pages Pages, r *logstore.EmptyTree) error {
	if p, apply := pages.Page(r.Pgno); apply {
		if err := p.Clear(p.ExtHeader()); err != nil {
			return err
		}
		p.SetFlags(p.Flags()&^page.FlagParentOfLeaf | page.FlagLeaf)
		p.SetDBTime(r.DBTime)
	}
	for _, e := range r.Pages {
		if p, apply := pages.Page(e.Pgno); apply {
			if err := emptyPage(p); err != nil {
				return err
			}
			p.SetDBTime(r.DBTime)
		}
	}
	return nil
}

// emptyPage marks a page out of its tree. Its links to siblings stay as they are (spec chapter 03, 7).
func emptyPage(p page.Page) error {
	if err := p.Clear(nil); err != nil {
		return err
	}
	p.SetFlags(p.Flags() | page.FlagEmpty)
	return nil
}
