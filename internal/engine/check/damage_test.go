package check_test

import (
	"encoding/binary"
	"testing"

	"esent/internal/engine/check"
	"esent/internal/engine/dbfile"
	"esent/internal/engine/page"
	"esent/internal/jet"
)

// damage is one thing done to a sound file, and what kind of violation must come of it.
type damage struct {
	name string
	set  string
	kind check.Kind
	// only says that nothing else may be found; tree, if not empty, that the violation must be of that tree.
	only bool
	tree string
	do   func(m *image)
}

var damages = []damage{
	{"state", "big_4k", check.KindNotClean, true, "", func(m *image) { m.header.State = dbfile.StateDirty }},
	{"required logs of a clean database", "big_4k", check.KindHeader, true, "", func(m *image) {
		m.header.GenMinRequired, m.header.GenMaxRequired, m.header.GenMaxCommitted = 1, 2, 2
	}},
	{"foreign format", "big_4k", check.KindHeader, true, "", func(m *image) { m.header.Version.UpdateMajor = 9999 }},
	{"short file", "big_4k", check.KindFileSize, false, "", func(m *image) { m.b = m.b[:len(m.b)/2] }},

	{"two wrong bits", "big_4k", check.KindChecksum, true, "big", func(m *image) {
		leaves, _ := m.leaves("big")
		m.page(leaves[7])[100] ^= 3
	}},
	{"blank page", "big_4k", check.KindBlank, true, "big", func(m *image) {
		leaves, _ := m.leaves("big")
		clear(m.page(leaves[7]))
	}},
	{"another page's content", "big_4k", check.KindChecksum, true, "big", func(m *image) {
		leaves, _ := m.leaves("big")
		copy(m.page(leaves[7]), m.page(leaves[9]))
	}},
	{"space accounting", "big_4k", check.KindStructure, true, "big", func(m *image) {
		leaves, _ := m.leaves("big")
		m.change(leaves[7], func(p page.Page) error { binary.LittleEndian.PutUint16(p[28:], uint16(p.CbFree()-1)); return nil })
	}},
	{"dbtime of the future", "big_4k", check.KindDBTime, true, "big", func(m *image) {
		leaves, _ := m.leaves("big")
		m.change(leaves[7], func(p page.Page) error { p.SetDBTime(m.header.DBTime + 1); return nil })
	}},
	{"page of another tree", "big_4k", check.KindObjID, true, "big", func(m *image) {
		leaves, _ := m.leaves("big")
		m.change(leaves[7], func(p page.Page) error { p.SetObjID(12); return nil })
	}},
	{"last object id too small", "big_4k", check.KindObjID, true, "", func(m *image) { m.header.ObjIDLast-- }},
	{"page without its tree's flags", "big_4k", check.KindFlags, true, "big.ix_k2", func(m *image) {
		leaves, _ := m.leaves("big.ix_k2")
		m.change(leaves[7], func(p page.Page) error { p.SetFlags(p.Flags() &^ page.FlagIndex); return nil })
	}},
	{"emptied page in a tree", "big_4k", check.KindFlags, false, "big", func(m *image) {
		leaves, _ := m.leaves("big")
		m.change(leaves[7], func(p page.Page) error { p.SetFlags(p.Flags() | page.FlagEmpty); return nil })
	}},
	{"root that is none", "types_4k", check.KindFlags, false, "emptytable", func(m *image) {
		m.change(m.root("emptytable"), func(p page.Page) error { p.SetFlags(p.Flags() &^ page.FlagRoot); return nil })
	}},
	{"swapped right links", "big_4k", check.KindLink, true, "big", func(m *image) {
		leaves, _ := m.leaves("big")
		m.change(leaves[7], func(p page.Page) error { p.SetNext(leaves[9]); return nil })
		m.change(leaves[8], func(p page.Page) error { p.SetNext(leaves[8]); return nil })
	}},
	{"wrong left link", "big_4k", check.KindLink, true, "big", func(m *image) {
		leaves, _ := m.leaves("big")
		m.change(leaves[0], func(p page.Page) error { p.SetPrev(leaves[1]); return nil })
	}},
	{"last leaf with a right link", "big_4k", check.KindLink, true, "big", func(m *image) {
		leaves, _ := m.leaves("big")
		m.change(leaves[len(leaves)-1], func(p page.Page) error { p.SetNext(leaves[0]); return nil })
	}},
	{"links of an internal page", "big_4k", check.KindLink, true, "big", func(m *image) {
		_, parents := m.leaves("big")
		m.change(parents[0], func(p page.Page) error { p.SetNext(parents[1]); return nil })
	}},
	{"child behind the end", "big_4k", check.KindChild, true, "big", func(m *image) {
		_, parents := m.leaves("big")
		m.change(parents[0], func(p page.Page) error { return p.ReplaceData(3, []byte{0, 0, 1, 0}) })
	}},
	{"child twice", "big_4k", check.KindPageTwice, false, "big", func(m *image) {
		_, parents := m.leaves("big")
		m.change(parents[0], func(p page.Page) error { return p.ReplaceData(3, append([]byte(nil), p.LineData(1)...)) })
	}},
	{"root as a child", "big_4k", check.KindPageTwice, false, "big", func(m *image) {
		_, parents := m.leaves("big")
		m.change(parents[0], func(p page.Page) error { return p.ReplaceData(3, []byte{31, 0, 0, 0}) })
	}},
	{"parent that calls its leaves none", "big_4k", check.KindChild, false, "big", func(m *image) {
		_, parents := m.leaves("big")
		m.change(parents[0], func(p page.Page) error { p.SetFlags(p.Flags() &^ page.FlagParentOfLeaf); return nil })
	}},
	{"empty leaf", "big_4k", check.KindEmpty, true, "big", func(m *image) {
		leaves, _ := m.leaves("big")
		m.change(leaves[7], func(p page.Page) error { return p.TruncateLines(0) })
	}},
	{"swapped lines", "big_4k", check.KindOrder, true, "big", func(m *image) {
		leaves, _ := m.leaves("big")
		m.change(leaves[7], func(p page.Page) error {
			a, b := p[len(p)-4*4:][:4], p[len(p)-5*4:][:4]
			for i := range a {
				a[i], b[i] = b[i], a[i]
			}
			return nil
		})
	}},
	{"wrong separator", "big_4k", check.KindSeparator, true, "big", func(m *image) {
		_, parents := m.leaves("big")
		m.change(parents[0], func(p page.Page) error {
			k := p.AppendKey(3, nil)
			return p.ReplaceKey(3, append(k[:len(k)-1], k[len(k)-1]+1))
		})
	}},
	{"last separator unlike the parent's", "big_4k", check.KindSeparator, true, "big", func(m *image) {
		_, parents := m.leaves("big")
		m.change(parents[0], func(p page.Page) error {
			i := p.Lines() - 1
			return p.ReplaceKey(i, append(p.AppendKey(i, nil), 0))
		})
	}},
	{"node without its prefix", "big_4k", check.KindPrefix, true, "prefix", func(m *image) {
		leaves, _ := m.leaves("prefix")
		m.change(leaves[7], func(p page.Page) error {
			n := p.Line(3)
			k, d := n.AppendKey(nil), append([]byte(nil), n.Data...)
			if err := p.DeleteLine(5); err != nil {
				return err
			}
			if err := p.DeleteLine(3); err != nil {
				return err
			}
			return p.InsertEncoded(3, 0, k, 0, d)
		})
	}},
	{"deleted node of an internal page", "big_4k", check.KindNodeFlags, true, "big", func(m *image) {
		_, parents := m.leaves("big")
		m.change(parents[0], func(p page.Page) error { p.SetLineFlags(3, page.NodeDeleted); return nil })
	}},

	{"wrong parent in a space header", "big_4k", check.KindSpaceHeader, true, "big.ix_k2", func(m *image) {
		m.change(m.root("big.ix_k2"), func(p page.Page) error { p.ExtHeader()[4]++; return nil })
	}},
	{"too many bits in a map of pages", "big_4k", check.KindSpaceHeader, true, "MSysObjids", func(m *image) {
		m.change(m.root("MSysObjids"), func(p page.Page) error { p.ExtHeader()[15] = 0x80; return nil })
	}},
	{"used page that a map calls free", "types_4k", check.KindPageTwice, true, "alltypes", func(m *image) {
		m.change(m.root("alltypes"), func(p page.Page) error { p.ExtHeader()[len(p.ExtHeader())-12] |= 1; return nil })
	}},
	{"available extent over used pages", "big_4k", check.KindPageTwice, false, "", func(m *image) {
		leaves, _ := m.leavesOf(space(m, "big") + 1)
		m.change(leaves[0], func(p page.Page) error {
			i := live(p)
			d := append([]byte(nil), p.LineData(i)...)
			d[0]++
			return p.ReplaceData(i, d)
		})
	}},
	{"malformed extent", "big_4k", check.KindExtent, false, "big.ix_k2", func(m *image) {
		leaves, _ := m.leavesOf(space(m, "big.ix_k2"))
		m.change(leaves[0], func(p page.Page) error { return p.ReplaceData(0, []byte{0, 0, 0, 0}) })
	}},
	{"extent outside the parent's", "big_4k", check.KindExtentOutside, false, "big.ix_k2", func(m *image) {
		leaves, _ := m.leavesOf(space(m, "big.ix_k2"))
		m.change(leaves[0], func(p page.Page) error {
			last := p.Lines() - 1
			d := append([]byte(nil), p.LineData(last)...)
			binary.LittleEndian.PutUint32(d, binary.LittleEndian.Uint32(d)*4)
			return p.ReplaceData(last, d)
		})
	}},
	{"pages owned twice", "big_4k", check.KindExtentTwice, false, "big.ix_name", func(m *image) {
		from, _ := m.leavesOf(space(m, "big.ix_k2"))
		to, _ := m.leavesOf(space(m, "big.ix_name"))
		stolen := m.page(from[0]).Line(m.page(from[0]).Lines() - 1)
		m.change(to[0], func(p page.Page) error {
			key := stolen.AppendKey(nil)
			i, _ := p.SearchLeaf(key, nil, false)
			return p.InsertLine(i, key, 0, stolen.Data)
		})
	}},
	{"lost owned extent", "big_4k", check.KindNotOwned, false, "big.ix_k2", func(m *image) {
		leaves, _ := m.leavesOf(space(m, "big.ix_k2"))
		m.change(leaves[0], func(p page.Page) error { return p.DeleteLine(p.Lines() - 1) })
	}},
	{"gap in the database's extents", "big_4k", check.KindExtent, false, "system root", func(m *image) {
		leaves, _ := m.leavesOf(2)
		m.change(leaves[0], func(p page.Page) error {
			d := append([]byte(nil), p.LineData(1)...)
			d[0]--
			return p.ReplaceData(1, d)
		})
	}},

	{"column of an index missing", "types_4k", check.KindCatalog, false, "MSysObjects", func(m *image) {
		m.remove("MSysObjects", isRow(8, 2, 1))
	}},
	{"table row missing", "types_4k", check.KindCatalog, false, "MSysObjects", func(m *image) {
		m.remove("MSysObjects", isRow(8, 1, 8))
	}},
	{"the catalog's own row missing", "types_4k", check.KindCatalog, false, "MSysObjects", func(m *image) {
		m.remove("MSysObjects", isRow(2, 1, 2))
	}},
	{"impossible column", "types_4k", check.KindCatalog, false, "MSysObjects", func(m *image) {
		m.data("MSysObjects", isRow(8, 2, 1), func(d []byte) []byte { d[14] = 99; return d })
	}},
	{"row with another root", "big_4k", check.KindCatalog, false, "", func(m *image) {
		m.data("MSysObjects", isRow(8, 3, 9), func(d []byte) []byte { d[14]++; return d })
	}},
	{"row missing in the shadow", "types_4k", check.KindShadow, true, "MSysObjectsShadow", func(m *image) {
		m.remove("MSysObjectsShadow", isRow(8, 2, 5))
	}},
	{"row different in the shadow", "types_4k", check.KindShadow, true, "MSysObjectsShadow", func(m *image) {
		m.data("MSysObjectsShadow", isRow(8, 2, 5), func(d []byte) []byte { d[18]++; return d })
	}},
	{"shadow switched off", "types_4k", check.KindShadowOff, true, "MSysObjectsShadow", func(m *image) {
		m.header.DBFlags |= dbfile.DBFlagShadowingOff
	}},
	{"name index without an entry", "types_4k", check.KindEntryMissing, true, "MSysObjects.Name", func(m *image) {
		m.remove("MSysObjects.Name", anyNode)
	}},
	{"table not to be found by name", "types_4k", check.KindEntryMissing, true, "MSysObjects.RootObjects", func(m *image) {
		m.remove("MSysObjects.RootObjects", anyNode)
	}},
	{"object missing in MSysObjids", "types_4k", check.KindObjectIDs, true, "MSysObjids", func(m *image) {
		m.remove("MSysObjids", anyNode)
	}},
	{"object of another table in MSysObjids", "types_4k", check.KindObjectIDs, true, "MSysObjids", func(m *image) {
		m.data("MSysObjids", anyNode, func(d []byte) []byte { d[len(d)-6]++; return d })
	}},
	{"locale not counted", "index_4k", check.KindLocales, true, "", func(m *image) {
		m.data("MSysLocales", func(n page.Node) bool { return n.Data[4] == 2 && len(n.Data) > 80 },
			func(d []byte) []byte { d[5] = 0; return d })
	}},

	{"malformed record", "big_4k", check.KindRecord, false, "big", func(m *image) {
		m.data("big", anyNode, func(d []byte) []byte { d[2]++; return d })
	}},
	{"record under another key", "big_4k", check.KindKey, false, "prefix", func(m *image) {
		pgno, i := m.find("prefix", anyNode)
		m.change(pgno, func(p page.Page) error {
			k := p.AppendKey(i, nil)
			k[len(k)-2]--
			return p.ReplaceKey(i, k)
		})
	}},
	{"auto-increment number too small", "types_4k", check.KindAutoInc, true, "special", func(m *image) {
		m.change(m.root("special"), func(p page.Page) error { p.ExtHeader()[17] = 3; return nil })
	}},

	{"reference count", "types_4k", check.KindLVRefs, true, "lv (long values)", func(m *image) {
		m.data("lv (long values)", isLVRoot, func(d []byte) []byte { d[0]++; return d })
	}},
	{"long value missing", "types_4k", check.KindLVMissing, false, "lv", func(m *image) {
		m.remove("lv (long values)", isLVRoot)
	}},
	{"chunk missing", "types_4k", check.KindLVChunk, true, "lv (long values)", func(m *image) {
		m.remove("lv (long values)", func(n page.Node) bool { return n.KeyLen() == 12 && n.AppendKey(nil)[11] != 0 })
	}},
	{"last chunk missing", "types_4k", check.KindLVChunk, true, "lv (long values)", func(m *image) {
		last := jet.PgnoNull
		leaves, _ := m.leaves("lv (long values)")
		for _, pgno := range leaves {
			p := m.page(pgno)
			if n := p.Lines(); n > 1 && p.KeyLen(n-2) == 12 && p.KeyLen(n-1) == 8 {
				last = pgno
			}
		}
		m.change(last, func(p page.Page) error { return p.DeleteLine(p.Lines() - 2) })
	}},
	{"size of a long value", "types_4k", check.KindLVChunk, true, "lv (long values)", func(m *image) {
		m.data("lv (long values)", isLVRoot, func(d []byte) []byte { d[4]--; return d })
	}},
	{"malformed root of a long value", "types_4k", check.KindLVNode, false, "lv (long values)", func(m *image) {
		m.data("lv (long values)", isLVRoot, func(d []byte) []byte { return d[:7] })
	}},

	{"record without its index entry", "big_4k", check.KindEntryMissing, true, "big.ix_k2", func(m *image) {
		m.remove("big.ix_k2", anyNode)
	}},
	{"index entry without its record", "big_4k", check.KindEntryExtra, true, "", func(m *image) {
		pgno, i := m.find("big", anyNode)
		m.change(pgno, func(p page.Page) error { p.SetLineFlags(i, page.NodeDeleted); return nil })
	}},
	{"index entry that leads elsewhere", "big_4k", check.KindEntryMissing, false, "big.ix_k2", func(m *image) {
		m.data("big.ix_k2", anyNode, func(d []byte) []byte { d[len(d)-1] ^= 1; return d })
	}},
	{"Unicode index without an entry", "index_4k", check.KindEntryMissing, true, "ix.ix_tu", func(m *image) {
		m.remove("ix.ix_tu", anyNode)
	}},
	{"substring index without an entry", "index_4k", check.KindEntryMissing, true, "ix.ix_tuplebin", func(m *image) {
		m.remove("ix.ix_tuplebin", anyNode)
	}},
	{"too few entries of many values", "index_4k", check.KindEntryCount, false, "ix.ix_mt", func(m *image) {
		leaves, _ := m.leaves("ix.ix_mt")
		m.change(leaves[0], func(p page.Page) error { return p.TruncateLines(1) })
	}},
}

// space is the root of a tree's owned-extent tree.
func space(m *image, tree string) jet.Pgno {
	return jet.Pgno(binary.LittleEndian.Uint32(m.page(m.root(tree)).ExtHeader()[12:]))
}

// live is the first line of a page that is not flag-deleted.
func live(p page.Page) int {
	i := 0
	for p.LineFlags(i)&page.NodeDeleted != 0 {
		i++
	}
	return i
}

func isRow(table jet.ObjID, typ, id byte) func(page.Node) bool {
	return func(n page.Node) bool {
		k := n.AppendKey(nil)
		return k[4] == byte(table) && k[7] == typ && k[12] == id && k[11] == 0
	}
}

func isLVRoot(n page.Node) bool { return n.KeyLen() == 8 }

func TestDamage(t *testing.T) {
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			m := open(t, d.set)
			d.do(m)
			r := m.check(check.Options{})
			found := false
			for _, v := range r.Violations {
				if v.Kind == d.kind && (d.tree == "" || v.Tree == d.tree) {
					found = true
				} else if d.only {
					t.Errorf("found %v", v)
				}
			}
			if !found {
				t.Errorf("%v was not found among %v", d.kind, r.Violations)
			}
			if r.Err() == nil || jet.CodeOf(r.Err()) == jet.ErrInternalError {
				t.Errorf("error %v", r.Err())
			}
		})
	}
}

// TestLeak: pages that nothing uses are counted and no violation.
func TestLeak(t *testing.T) {
	m := open(t, "big_4k")
	leaves, _ := m.leavesOf(space(m, "big.ix_k2") + 1)
	lost := uint64(0)
	m.change(leaves[0], func(p page.Page) error {
		i := live(p)
		lost = uint64(binary.LittleEndian.Uint32(p.LineData(i)))
		return p.DeleteLine(i)
	})
	r := m.check(check.Options{})
	if r.Total != 0 || r.Leaked != lost || lost == 0 {
		t.Errorf("%d leaked, want %d; %v", r.Leaked, lost, r.Violations)
	}
	for _, tree := range r.Trees {
		if (tree.Leaked != 0) != (tree.Name == "big.ix_k2") {
			t.Errorf("%s: %d leaked", tree.Name, tree.Leaked)
		}
	}
}

// TestWrongBit: one wrong bit is put right and counted.
func TestWrongBit(t *testing.T) {
	m := open(t, "big_4k")
	m.page(m.root("big"))[200] ^= 16
	for _, opt := range []check.Options{{}, {PagesOnly: true}} {
		if r := m.check(opt); r.Total != 0 || r.Corrected == 0 {
			t.Errorf("%d corrected, %v", r.Corrected, r.Violations)
		}
	}
}
