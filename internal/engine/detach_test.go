package engine

import (
	"testing"

	"esent/internal/jet"
)

// Who writes pages of all databases, as the checkpoint's task and JetStopService do, may have listed one that is detached
// before its turn comes.
func TestFlushBesideDetach(t *testing.T) {
	m := newMachine(t)
	i, s := m.start("a", "/db")
	n, err := s.CreateDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, 0)
	m.want(s.CloseDatabase(0, n), 0)
	listed := i.following()
	if len(listed) != 1 {
		t.Fatalf("%d databases", len(listed))
	}
	m.want(s.DetachDatabase(0, "/db/x.edb", 0), 0)
	m.want(i.cache.FlushOlder(listed[0].pages, jet.LogPosMax), 0)
	_ = i.cache.FlushDB(listed[0].pages) // that the file is closed is for it to say
	m.want(i.Term(0), 0)
	if i.failed() {
		t.Error("the instance has failed")
	}
}
