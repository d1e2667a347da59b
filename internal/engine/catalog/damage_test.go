package catalog_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"esent/internal/engine/btree/kerneltest"
	"esent/internal/engine/catalog"
	"esent/internal/engine/dbfile"
	"esent/internal/engine/key"
	"esent/internal/jet"
)

// Rows with any damage give an error or some schema, never a panic.
func TestDamagedRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	k, c := create(t, kerneltest.Options{}, dbfile.EFVMax)
	s := k.Session
	k.Must(s.Begin())
	def := example("t")
	limits := key.DefaultTupleLimits
	tuple := index("tuple", 0, "txt")
	tuple.Tuple = &limits
	def.Indexes = append(def.Indexes, tuple)
	def.Callbacks = []catalog.Callback{{Type: 1, Function: "dll!f"}}
	table, _, err := c.CreateTable(s, def)
	k.Must(err)
	_, err = table.LongValues(s, true)
	k.Must(err)
	k.Commit(s)
	rows, err := c.Rows(s, table.ObjID)
	k.Must(err)
	codes := map[jet.Err]int{}
	for range 3000 {
		r := rows[rng.IntN(len(rows))]
		var was []byte
		k.Must(c.Damage(s, r.Key(), func(rec []byte) []byte {
			was = bytes.Clone(rec)
			rec = bytes.Clone(rec)
			switch rng.IntN(4) {
			case 0:
				return rec[:1+rng.IntN(len(rec))]
			case 1:
				for range 1 + rng.IntN(4) {
					rec[rng.IntN(len(rec))] = byte(rng.IntN(256))
				}
			case 2:
				rec[rng.IntN(len(rec))] ^= 1 << rng.IntN(8)
			default:
				at := rng.IntN(len(rec))
				rec = append(rec[:at:at], append(make([]byte, 1+rng.IntN(3)), rec[at:]...)...)
			}
			return rec
		}))
		other, err := catalog.Open(k.DB, catalog.Options{Version: dbfile.VersionForEFV(dbfile.EFVMax)})
		k.Must(err)
		_, err = other.Table(s, "t")
		codes[jet.CodeOf(err)]++
		other.Close()
		k.Must(c.Damage(s, r.Key(), func([]byte) []byte { return was }))
		if rng.IntN(20) == 0 {
			k.Clean()
		}
	}
	t.Log(codes)
	for code := range codes {
		switch code {
		case 0, jet.ErrCatalogCorrupted, jet.ErrObjectNotFound, jet.ErrDatabaseCorrupted, jet.ErrRecordTooBig, jet.ErrFileIOBeyondEOF, jet.ErrPageNotInitialized:
		default:
			t.Errorf("%v is no error of a damaged catalog", code)
		}
	}
}
