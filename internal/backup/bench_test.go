package backup

import (
	"testing"
	"time"

	"esent/internal/engine/dbfile"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/vfs"
)

// BenchmarkBackup copies a database of 256 MB on the real disk.
func BenchmarkBackup(b *testing.B) {
	env := vfs.System()
	dir := b.TempDir() + "/"
	e := &fakeEngine{env: env, events: &eventlog.Recorder{}, dir: dir, allowed: true, creates: true}
	l, err := logstore.Create(logstore.Config{Env: env, LogDir: dir, SystemDir: dir, Naming: logstore.NewNaming("edb", 3),
		FileKB: 1024, PageSize: fakePage, EFV: dbfile.EFVMax}, e, jet.Signature{}, 1)
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	e.log = l
	e.checkpoint.Pos = jet.MakeLogPos(1, 1, 0)
	m := &machine{t: b, env: env, e: e}
	d := m.database(dir+"app.edb", 0)
	const last, run = 65536, 256
	m.ok(d.file.Resize(last))
	pages := make([]byte, 0, run*fakePage)
	for first := jet.Pgno(1); first <= last; first += run {
		pages = pages[:0]
		for p := first; p < first+run; p++ {
			pages = append(pages, pageImage(p, 1)...)
		}
		m.ok(d.file.WriteRaw(first, pages))
	}
	m.ok(d.file.Sync())
	d.last = last
	b.SetBytes(last * fakePage)
	for b.Loop() {
		started := time.Now()
		m.ok(New().Backup(e, dir+"bk", jet.BitBackupAtomic, nil))
		b.ReportMetric(last*fakePage/1e6/time.Since(started).Seconds(), "last-MB/s")
	}
}
