package dbfile

import (
	"testing"

	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/vfs/simdisk"
)

// Of a write of several pages that fails some may have come to the disk: neither the old nor the new ones are taken for
// lost writes.
func TestFailedWriteIsNoLostWrite(t *testing.T) {
	sim := simdisk.New(1, simdisk.Options{Unit: 4096})
	if err := sim.Env().FS.Mkdir("/data"); err != nil {
		t.Fatal(err)
	}
	f := newDatabase(t, sim.Env(), 4096)
	if rejected, err := f.AttachFlushMap(MapOptions{}); rejected != nil || err != nil {
		t.Fatal(rejected, err)
	}
	write := func(dbtime jet.DBTime) error {
		var pages []byte
		for pgno := jet.Pgno(3); pgno < 11; pgno++ {
			pages = append(pages, testPage(f, pgno, dbtime)...)
		}
		return f.WritePages(3, pages)
	}
	if err := write(0x50); err != nil {
		t.Fatal(err)
	}
	sim.Inject(simdisk.Fault{Ops: simdisk.OpWrite, Torn: true})
	if err := write(0x51); err == nil {
		t.Fatal("the write succeeded")
	}
	sim.ClearFaults()
	if err := f.WritePages(12, testPage(f, 12, 0x60)); err != nil {
		t.Fatal(err)
	}
	written := 0
	for pgno := jet.Pgno(3); pgno < 11; pgno++ {
		p := page.Page(make([]byte, 4096))
		if err := f.ReadPages(pgno, p); err != nil {
			t.Errorf("page %d: %v", pgno, err)
		}
		if p.DBTime() == 0x51 {
			written++
		}
	}
	if written == 0 || written == 8 {
		t.Errorf("%d pages were written", written)
	}
}
