package backup

import (
	"testing"

	"esent/internal/jet"
)

// TestFullBackup is the example of spec chapter 06, 5.14 and 12: checkpoint in 7, current log 9, logs from 3 on.
func TestFullBackup(t *testing.T) {
	m := newMachine(t)
	d := m.database("/db/app.edb", 510)
	m.rollTo(9)
	_, err := m.e.log.DeleteArchives(1, 3)
	m.ok(err)
	m.setCheckpoint(7)
	m.ok(m.backup("/bk", 0))
	m.wantFiles("/bk", "app.edb app.pat edb00007.log edb00008.log edb00009.log")
	m.wantEvents(
		"210",
		"220 /db/app.edb,2 Mb",
		"221 /db/app.edb",
		"223 /log/edb00007.log,/log/edb00009.log",
		"224 /log/edb00003.log,/log/edb00006.log",
		"213")
	m.wantSet("/bk", "/bk", 7, 9, "app.edb")
	info, err := m.env.FS.Stat("/bk/app.edb")
	m.ok(err)
	if info.Size != 513*fakePage {
		t.Errorf("copy of %d bytes", info.Size)
	}
	if info, _ := m.env.FS.Stat("/bk/app.pat"); info.Size != 0 {
		t.Errorf("patch file of %d bytes", info.Size)
	}
	h := d.file.Header()
	if h.FullPrev.GenLow != 7 || h.FullPrev.GenHigh != 9 || h.FullPrev.Mark.Gen() != 9 || h.FullPrevType != 0 {
		t.Errorf("full backup %+v", h.FullPrev)
	}
	m.wantFiles("/log", "edb.chk edb.log edb00007.log edb00008.log edb00009.log edbres00001.jrs edbres00002.jrs")
	if got := m.e.checkpoint; got.FullBackup != jet.MakeLogPos(10, 1, 0) || got.LastFullBackup.Gen() != 7 {
		t.Errorf("checkpoint %+v", got)
	}
	if first, last := m.status[0], m.status[len(m.status)-1]; first != "5:0/100" || last != "6:100/100" || len(m.status) < 4 {
		t.Errorf("status %v", m.status)
	}
	if m.e.abort != nil || m.e.inside != 0 || m.e.floor != 0 {
		t.Errorf("the backup has not ended: %+v", m.e)
	}
}
