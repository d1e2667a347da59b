package version

import (
	"runtime"
	"sync/atomic"
	"testing"
)

// TestViewWithoutTransaction reads outside of transactions while another session commits many changes of one node at a
// time: however long a look at them takes, it sees all of a transaction or none of it.
func TestViewWithoutTransaction(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8)) // the system switches between threads at any instruction
	tree := newMemTree()
	w, r := tree.session(t), tree.session(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	commit := func(s *Session) error { _, err := s.Commit(); return err }
	must(w.Begin())
	must(tree.change(w, "a", OperInsert, "whole"))
	must(commit(w))
	var done atomic.Bool
	ended := make(chan error)
	go func() {
		err := error(nil)
		for n := 0; err == nil && n < 600; n++ {
			err = w.Begin()
			for i := 0; err == nil && i < 300; i++ {
				err = tree.change(w, "a", OperReplace, "half")
			}
			if err == nil {
				err = tree.change(w, "a", OperReplace, "whole")
			}
			if err == nil {
				err = commit(w)
			}
			if err == nil {
				err = tree.st.Clean()
			}
		}
		done.Store(true)
		ended <- err
	}()
	reads := 0
	for ; !done.Load() && !t.Failed(); reads++ {
		if value, ok := tree.get(r, "a"); !ok || value != "whole" {
			t.Errorf("read %q, %v after %d reads", value, ok, reads)
		}
	}
	must(<-ended)
	t.Logf("%d reads", reads)
}
