package space_test

import (
	"testing"

	"esent/internal/engine/btree/kerneltest"
	"esent/internal/engine/space"
)

// A tree that comes to pages of a destroyed one is not taken for that, even if somebody has looked for the old one in
// between.
func TestNewTreeOnOldPages(t *testing.T) {
	f := newFixture(t, kerneltest.Options{})
	for _, multiple := range []bool{false, true} {
		old := f.Create(f.Root, space.TreeOptions{Pages: 16, Multiple: true})
		f.Must(f.Session.Begin())
		f.Must(f.Space.DestroyTree(f.Session, old))
		_, err := f.Session.Commit()
		f.Must(err)
		stale, err := f.DB.Tree(old.Root)
		f.Must(err)
		if stale.ObjID != old.ObjID {
			t.Fatalf("the page has object %d", stale.ObjID)
		}
		tree := f.Create(f.Root, space.TreeOptions{Pages: 16, Multiple: multiple})
		if tree.Root != old.Root || tree.ObjID == old.ObjID {
			t.Errorf("root %d has object %d, that of object %d was %d", tree.Root, tree.ObjID, old.ObjID, old.Root)
		}
	}
}
