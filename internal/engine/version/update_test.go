package version

import "testing"

func TestUpdateIsHiddenAndRolledBack(t *testing.T) {
	tree := newMemTree()
	s, err := tree.st.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	check := func(key, want string) {
		t.Helper()
		got, ok := tree.get(s, key)
		if !ok {
			got = "-"
		}
		if got != want {
			t.Errorf("%s reads as %q, want %q", key, got, want)
		}
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(s.Begin())
	do(tree.change(s, "a", OperInsert, "old"))
	id := s.NextUpdate()
	before := s.InUpdate(id)
	do(tree.change(s, "a", OperReplace, "new"))
	do(tree.change(s, "b", OperInsert, "made"))
	if s.InUpdate(before) != id {
		t.Error("the update was forgotten")
	}
	do(s.BeginInner())
	do(tree.change(s, "c", OperInsert, "other"))
	if _, err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	check("a", "new")
	check("b", "made")
	s.Hide(id)
	check("a", "old")
	check("b", "-")
	check("c", "other")
	s.Hide(0)
	check("a", "new")

	do(s.RollbackUpdate(id))
	check("a", "old")
	check("b", "-")
	check("c", "other")
	if _, err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	check("a", "old")
	check("b", "-")
	check("c", "other")
}
