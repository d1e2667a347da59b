package engine

import (
	"testing"
	"time"

	"esent/internal/engine/space"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs/simdisk"
)

func TestCheckpoint(t *testing.T) {
	m := newMachine(t)
	i, s := m.startWith("/db", map[jet.ParamID]int64{jet.ParamCircularLog: 1, jet.ParamCheckpointDepthMax: 3 * 64 << 10})
	n, err := s.CreateDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, 0)
	last := jet.LogPos(0)
	for round := range 20 {
		if _, err := s.GrowDatabase(0, n, uint32(600+256*round)); err != nil {
			t.Fatal(err)
		}
		m.want(s.CommitTransaction(0, jet.BitForceNewLog, 0, nil), 0)
		m.sim.RunAll()
		c, err := logstore.ReadCheckpoint(m.sim.Env().FS, "/db/edb.chk", i.log.SignLog())
		m.want(err, 0)
		h := m.header("/db/x.edb")
		switch {
		case c.Pos < last:
			t.Fatalf("round %d: the checkpoint goes back from %s to %s", round, last, c.Pos)
		case h.GenMinRequired > c.Pos.Gen() || c.Pos.Gen() > 2 && h.GenMinRequired != c.Pos.Gen():
			t.Fatalf("round %d: checkpoint %s, generation %d required", round, c.Pos, h.GenMinRequired)
		case h.GenMaxRequired != i.log.EndPos().Gen() || h.GenMaxCommitted != h.GenMaxRequired:
			t.Fatalf("round %d: generations up to %d and %d required, the log is in %s", round, h.GenMaxRequired, h.GenMaxCommitted, i.log.EndPos())
		case c.HasAttachments && c.Pos.Gen() > 2 && len(c.Attachments) != 1:
			t.Fatalf("round %d: attachments %v", round, c.Attachments)
		}
		last = c.Pos
	}
	if d := i.log.EndPos().Gen() - last.Gen(); d > 6 {
		t.Errorf("the checkpoint is %d generations behind", d)
	}
	d, err := logstore.FindLogs(m.sim.Env().FS, "/db", i.log.Naming())
	m.want(err, 0)
	if len(d.Archives) > 9 {
		t.Errorf("%d archives with circular logging", len(d.Archives))
	}
	m.crash(simdisk.Random)
	i, s = m.start("a", "/db")
	_, err = s.AttachDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, 0)
	m.want(i.Term(0), 0)
}

func TestLazyCommit(t *testing.T) {
	m := newMachine(t)
	i := m.instance("a", "/db")
	var told []CommitID
	i.SetDurableCommitCallback(func(id CommitID, down bool) { told = append(told, id) })
	_, err := i.Init(InitOptions{})
	m.want(err, 0)
	s, err := i.BeginSession()
	m.want(err, 0)
	n, err := s.CreateDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, 0)
	m.sim.RunAll()
	durable := i.log.DurablePos()
	m.want(s.BeginTransaction(0, 0), 0)
	d, err := s.database(n)
	m.want(err, 0)
	root, err := d.tree.Tree(jet.PgnoSystemRoot)
	m.want(err, 0)
	_, err = d.space.CreateTree(s.trx, root, space.TreeOptions{})
	m.want(err, 0)
	var id CommitID
	m.want(s.CommitTransaction(0, jet.BitCommitLazyFlush, 100*time.Millisecond, &id), 0)
	if i.log.DurablePos() != durable || id.Position <= durable {
		t.Errorf("lazy commit %s, durable before %s, now %s", id.Position, durable, i.log.DurablePos())
	}
	m.sim.Advance(150 * time.Millisecond)
	m.sim.RunAll()
	if i.log.DurablePos() < id.Position || len(told) == 0 || told[len(told)-1].Position < id.Position {
		t.Errorf("commit %s is not durable at %s; told %v", id.Position, i.log.DurablePos(), told)
	}
	m.want(i.Term(0), 0)
}

func TestLogFailure(t *testing.T) {
	m := newMachine(t)
	i, s := m.start("a", "/db")
	n, err := s.CreateDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, 0)
	m.sim.Inject(simdisk.Fault{Ops: simdisk.OpWrite, Glob: "*.log"})
	_, err = s.GrowDatabase(0, n, 600)
	if err == nil {
		err = s.CommitTransaction(0, jet.BitWaitAllLevel0Commit, 0, nil)
	}
	m.want(err, jet.ErrLogWriteFail)
	m.want(s.BeginTransaction(0, 0), jet.ErrInstanceUnavailable)
	m.want(i.Term(0), 0)
	m.sim.ClearFaults()
	_, s = m.start("a", "/db")
	_, err = s.AttachDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, 0)
}
