package check

import (
	"fmt"

	"esent/internal/jet"
)

// Kind says what does not hold.
type Kind uint8

// The kinds of violation.
const (
	// KindHeader is a field of the header, or one of its copies.
	KindHeader Kind = iota + 1
	// KindNotClean is a database that was not closed cleanly: what else is found may be for recovery to put right.
	KindNotClean
	// KindFileSize is a file shorter than what the database owns.
	KindFileSize
	// KindRead is a page that cannot be read.
	KindRead
	// KindChecksum is a page with a wrong checksum or page number.
	KindChecksum
	// KindBlank is a page of a tree that was never written.
	KindBlank
	// KindStructure is a page whose tags, space accounting or nodes are unsound.
	KindStructure
	// KindDBTime is a page from the database's future.
	KindDBTime
	// KindObjID is a page of another tree, or an object id above the last one given out.
	KindObjID
	// KindFlags is a page with flags that do not suit its place.
	KindFlags
	// KindLink is a link to a sibling that is not the sibling.
	KindLink
	// KindChild is a pointer of an internal page to no page, or a leaf where there should be none.
	KindChild
	// KindEmpty is a page without lines that is not the root.
	KindEmpty
	// KindOrder is a page whose lines are not in order.
	KindOrder
	// KindSeparator is a key on the wrong side of a separator, or a separator unlike its parent's.
	KindSeparator
	// KindPrefix is a node that does not share with the page's prefix key what it should.
	KindPrefix
	// KindNodeFlags is an internal node with flags.
	KindNodeFlags
	// KindPageTwice is a page used for two things.
	KindPageTwice
	// KindSpaceHeader is the head of a root that does not suit the tree.
	KindSpaceHeader
	// KindExtent is a malformed node of a space tree.
	KindExtent
	// KindExtentOutside is an extent outside of those that it must lie in.
	KindExtentOutside
	// KindExtentTwice is an extent of pages that another tree owns too.
	KindExtentTwice
	// KindNotOwned is a page used by a tree that does not own it.
	KindNotOwned
	// KindCatalog is a row of the catalog that says something impossible, or a row that is missing.
	KindCatalog
	// KindShadow is a row that differs in the shadow catalog.
	KindShadow
	// KindShadowOff is a database without shadow catalog.
	KindShadowOff
	// KindObjectIDs is an object that MSysObjids says something else of than the catalog.
	KindObjectIDs
	// KindLocales is an index whose sort version is not counted in MSysLocales.
	KindLocales
	// KindRecord is a malformed record.
	KindRecord
	// KindKey is a record under a key that is not its own, or one that can have none.
	KindKey
	// KindAutoInc is a number above the last one given out.
	KindAutoInc
	// KindLVNode is a malformed node of a long-value tree.
	KindLVNode
	// KindLVChunk is a long value that lacks a chunk, or has one of the wrong size.
	KindLVChunk
	// KindLVMissing is a reference to a long value that does not exist.
	KindLVMissing
	// KindLVRefs is a long value with another number of references than it says.
	KindLVRefs
	// KindEntryMissing is a record without its index entry.
	KindEntryMissing
	// KindEntryExtra is an index entry without a record that it belongs to.
	KindEntryExtra
	// KindEntryCount is an index with the wrong number of entries, whose keys cannot be made here.
	KindEntryCount
	kindEnd
)

var kinds = [kindEnd]struct {
	name string
	code jet.Err
}{
	KindHeader:        {"header", jet.ErrDatabaseCorrupted},
	KindNotClean:      {"not clean", jet.ErrDatabaseDirtyShutdown},
	KindFileSize:      {"file size", jet.ErrFileIOBeyondEOF},
	KindRead:          {"read", jet.ErrDiskIO},
	KindChecksum:      {"checksum", jet.ErrReadVerifyFailure},
	KindBlank:         {"blank page", jet.ErrPageNotInitialized},
	KindStructure:     {"page structure", jet.ErrDatabaseCorrupted},
	KindDBTime:        {"dbtime", jet.ErrDbTimeCorrupted},
	KindObjID:         {"object id", jet.ErrBadPageLink},
	KindFlags:         {"page flags", jet.ErrBadParentPageLink},
	KindLink:          {"sibling link", jet.ErrBadPageLink},
	KindChild:         {"child pointer", jet.ErrBadParentPageLink},
	KindEmpty:         {"empty page", jet.ErrBadEmptyPage},
	KindOrder:         {"key order", jet.ErrDatabaseCorrupted},
	KindSeparator:     {"separator", jet.ErrDatabaseCorrupted},
	KindPrefix:        {"prefix", jet.ErrNodeCorrupted},
	KindNodeFlags:     {"node flags", jet.ErrNodeCorrupted},
	KindPageTwice:     {"page used twice", jet.ErrDatabaseCorrupted},
	KindSpaceHeader:   {"space header", jet.ErrDatabaseCorrupted},
	KindExtent:        {"extent", jet.ErrSPOwnExtCorrupted},
	KindExtentOutside: {"extent outside", jet.ErrSPOwnExtCorrupted},
	KindExtentTwice:   {"extent owned twice", jet.ErrSPOwnExtCorrupted},
	KindNotOwned:      {"page not owned", jet.ErrSPOwnExtCorrupted},
	KindCatalog:       {"catalog", jet.ErrCatalogCorrupted},
	KindShadow:        {"shadow catalog", jet.ErrCatalogCorrupted},
	KindShadowOff:     {"no shadow catalog", jet.ErrCatalogCorrupted},
	KindObjectIDs:     {"MSysObjids", jet.ErrCatalogCorrupted},
	KindLocales:       {"MSysLocales", jet.ErrCatalogCorrupted},
	KindRecord:        {"record", jet.ErrDatabaseCorrupted},
	KindKey:           {"record key", jet.ErrPrimaryIndexCorrupted},
	KindAutoInc:       {"auto-increment", jet.ErrDatabaseCorrupted},
	KindLVNode:        {"long-value node", jet.ErrLVCorrupted},
	KindLVChunk:       {"long-value chunk", jet.ErrLVCorrupted},
	KindLVMissing:     {"long value missing", jet.ErrLVCorrupted},
	KindLVRefs:        {"long-value references", jet.ErrLVCorrupted},
	KindEntryMissing:  {"index entry missing", jet.ErrSecondaryIndexCorrupted},
	KindEntryExtra:    {"index entry without record", jet.ErrSecondaryIndexCorrupted},
	KindEntryCount:    {"number of index entries", jet.ErrSecondaryIndexCorrupted},
}

// String names the kind.
func (k Kind) String() string {
	if k >= kindEnd || kinds[k].name == "" {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return kinds[k].name
}

// Code is the error that the engine would give where it meets such a violation.
func (k Kind) Code() jet.Err {
	if k >= kindEnd {
		return jet.ErrDatabaseCorrupted
	}
	return kinds[k].code
}

// Violation is one thing that does not hold.
type Violation struct {
	Kind Kind
	// Pgno is the page where it shows, PgnoNull when no page does.
	Pgno jet.Pgno
	// Tree names the tree that it is about, "" for none.
	Tree string
	Text string
}

func (v Violation) String() string {
	s := v.Kind.String()
	if v.Tree != "" {
		s += ", " + v.Tree
	}
	if v.Pgno != jet.PgnoNull {
		s += fmt.Sprintf(", page %d", v.Pgno)
	}
	return s + ": " + v.Text
}

// TreeReport is what one tree consists of.
type TreeReport struct {
	// Name is "table", "table.index" or "table (long values)".
	Name  string
	Root  jet.Pgno
	ObjID jet.ObjID
	// Internal and Leaves are its pages, SpacePages those of its two space trees; Depth is the number of levels.
	Internal, Leaves, SpacePages uint64
	Depth                        int
	// Nodes are those on leaves that count, Deleted those that are flag-deleted.
	Nodes, Deleted uint64
	// Owned, Available and Reserved are pages: without those of child trees, free, and in split buffers. Leaked are
	// those that nothing uses.
	Owned, Available, Reserved, Leaked uint64
}

// Report is what a check found.
type Report struct {
	// Violations are those found first, as many as Options.Limit allows.
	Violations []Violation
	// Total is the number of all violations, Kinds that of each kind.
	Total int
	Kinds map[Kind]int

	// Trees are the trees found, in the order in which they were.
	Trees []*TreeReport
	// Pages is the number of pages that the database owns. Read is how many were read, Bytes their size.
	Pages, Read, Bytes uint64
	// Corrected counts pages with one wrong bit, which the checksum tells and the engine puts right.
	Corrected uint64
	// Blank counts pages that were never written, with Options.PagesOnly alone.
	Blank uint64
	// Nodes is the number of nodes on the leaves of all trees but space trees.
	Nodes uint64
	// Records are the rows of all tables, the catalog's among them.
	Records uint64
	// LongValues and LongBytes are the number and the plain size of long values, Orphans how many of them wait for
	// their removal because nothing refers to them.
	LongValues, LongBytes, Orphans uint64
	// Entries is the number of entries of secondary indexes. Uncompared counts those whose keys cannot be made here;
	// as far as possible they were compared by the records that they lead to, or by their number.
	Entries, Uncompared uint64
	// Leaked counts pages that are owned and used for nothing.
	Leaked uint64

	limit int
}

// Err is nil when everything holds, else the first violation under its code.
func (r *Report) Err() error {
	if r.Total == 0 {
		return nil
	}
	v := r.Violations[0]
	return v.Kind.Code().Errorf("%v (%d violations)", v, r.Total)
}

func (r *Report) add(v Violation) {
	r.Total++
	r.Kinds[v.Kind]++
	if len(r.Violations) < r.limit {
		r.Violations = append(r.Violations, v)
	}
}
