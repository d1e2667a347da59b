package engine

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"esent/internal/jet"
	"esent/internal/logstore"
)

// A generation of the log names the databases that were attached before it, also one whose creation or attachment is
// still under way when it begins.
func TestGenerationsNameWhatComes(t *testing.T) {
	for records := range 60 {
		d := newDesk(t)
		d.table("t", []string{"id long notnull", "text longbinary"}, "pk:+id primary")
		r := d.open(d.s, "t")
		d.begin(d.s)
		for id := range records {
			d.want(r.insert("id", id, "text", strings.Repeat("x", 900)), 0)
		}
		d.want(d.s.CommitTransaction(0, 0, 0, nil), 0)
		_, err := d.s.CreateDatabase(0, "/db/y.edb", 0, 0)
		d.want(err, 0)
		d.want(d.s.CommitTransaction(0, jet.BitForceNewLog, 0, nil), 0)
		y := d.i.attachedAs("/db/y.edb")
		attach := jet.LogPos(y.attachPos.Load())
		for _, p := range d.sim.Files() {
			if !strings.HasSuffix(p, ".log") || strings.HasPrefix(path.Base(p), "edbtmp") {
				continue
			}
			h, err := logstore.ReadHeader(d.sim.Env().FS, p)
			d.want(err, 0)
			named := "no"
			for _, a := range h.Attachments {
				if a.Path == y.path {
					named = fmt.Sprint("at ", a.Attach)
				}
			}
			want := "no"
			if attach < jet.MakeLogPos(h.Gen, 1, 0) {
				want = fmt.Sprint("at ", attach)
			}
			if named != want {
				t.Errorf("%d records, generation %d: named %s, want %s", records, h.Gen, named, want)
			}
		}
		d.want(d.i.Term(0), 0)
	}
}
