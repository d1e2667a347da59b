package simtest

import (
	"bytes"
	"encoding/binary"
	"path"
	"slices"
	"strings"

	"esent/internal/jet"
	"esent/internal/vfs/simdisk"
)

// damage is what has happened to a file while nobody looked.
type damage struct {
	kind  string
	codes []jet.Err
	page  bool
	objID uint32 // of the page

	rot  *simdisk.Rot
	path string // of a file that is gone
	data []byte // it had
}

var (
	pageCodes   = []jet.Err{jet.ErrReadVerifyFailure, jet.ErrPageNotInitialized, jet.ErrReadPgnoVerifyFailure}
	headerCodes = []jet.Err{jet.ErrDatabaseCorrupted, jet.ErrReadVerifyFailure, jet.ErrInvalidDatabaseVersion}
	logCodes    = []jet.Err{jet.ErrLogFileCorrupt, jet.ErrLogCorrupted, jet.ErrLogSequenceChecksumMismatch}
	lostCodes   = []jet.Err{jet.ErrMissingLogFile, jet.ErrInvalidLogSequence, jet.ErrRequiredLogFilesMissing, jet.ErrCommittedLogFilesMissing}
	goneCodes   = []jet.Err{jet.ErrFileNotFound, jet.ErrDatabaseNotFound, jet.ErrAttachedDatabaseMismatch}
)

// pick gives some file whose name ends in one of the suffixes, of those of the engine.
func (w *world) pick(suffixes ...string) string {
	var list []string
	for _, p := range w.sim.Files() {
		if dir := path.Dir(p); dir != home && dir != path.Dir(databases[2]) || strings.HasPrefix(path.Base(p), "edbtmp") {
			continue
		}
		for _, s := range suffixes {
			if strings.HasSuffix(p, s) {
				list = append(list, p)
			}
		}
	}
	if len(list) == 0 {
		return ""
	}
	return list[w.rng.IntN(len(list))]
}

// bytesOf gives a file's content.
func (w *world) bytesOf(path string) []byte {
	data, err := w.sim.ReadFile(path)
	w.ok(err, "read of "+path)
	return data
}

// decay spoils up to most bytes of what is in a file from off on: one bit, some bytes, or all of them.
func (w *world) decay(d *damage, path string, off, most int) {
	data := w.bytesOf(path)
	if off+most > len(data) || most <= 0 {
		return
	}
	var bad []byte
	switch kind := w.rng.IntN(4); {
	case kind == 0:
		d.kind += ", one bit"
		off += w.rng.IntN(most)
		bad = []byte{data[off] ^ 1<<w.rng.IntN(8)}
	case kind == 1 && path != home+"/edb.log": // blank segments are how a log ends
		d.kind += ", blank"
		bad = make([]byte, most)
	default:
		at := w.rng.IntN(most)
		bad = make([]byte, min(most-at, 16+w.rng.IntN(600)))
		off += at
		for i := range bad {
			bad[i] = byte(w.rng.Uint32())
		}
	}
	if string(data[off:off+len(bad)]) == string(bad) {
		return
	}
	rot, err := w.sim.Rot(path, int64(off), bad)
	if err != nil {
		return
	}
	d.rot, d.path = rot, path
	w.note("damage: %s, %s, %d bytes at %d", d.kind, path, len(bad), off)
	w.tally["damage: "+d.kind]++
	w.damage = d
}

// rotPage spoils a page of a database.
func (w *world) rotPage() {
	p := w.pick(".edb")
	if p == "" {
		return
	}
	data := w.bytesOf(p)
	size := w.set.pageSize
	n := 2 + w.rng.IntN(max(1, len(data)/size-2))
	if (n+1)*size > len(data) {
		return
	}
	d := &damage{kind: "page", page: true, codes: pageCodes, objID: binary.LittleEndian.Uint32(data[n*size+24:])}
	if d.objID == 0 {
		d.kind = "unused page"
	}
	w.decay(d, p, n*size, size)
}

// spoil damages a file of an instance that is not running, or takes it away.
func (w *world) spoil() {
	d := &damage{}
	// Recovery does without a database of which the log says that it was detached; should it be put right later, it is
	// behind for good.
	switch w.rng.IntN(10) {
	case 0, 1:
		w.rotPage()
	case 2:
		d.kind = "header"
		// A power cut may have torn one of the copies: then the other is needed.
		if p := w.pick(".edb"); p != "" && w.bothHeaders(p) {
			w.decay(d, p, w.rng.IntN(2)*w.set.pageSize, w.set.pageSize)
		}
	case 3:
		d.kind, d.codes = "both headers", headerCodes
		w.backups.bare = true // when recovery makes the file anew
		if p := w.pick(".edb"); p != "" && !w.loose {
			data := w.bytesOf(p)
			bad := make([]byte, 2*w.set.pageSize)
			copy(bad, data)
			for k := range 2 {
				for i := range 32 {
					bad[k*w.set.pageSize+w.rng.IntN(600)+i] ^= byte(1 + w.rng.IntN(255))
				}
			}
			if rot, err := w.sim.Rot(p, 0, bad); err == nil {
				d.rot, d.path = rot, p
				w.note("damage: %s, %s", d.kind, p)
				w.tally["damage: "+d.kind]++
				w.damage = d
			}
		}
	case 4, 5:
		d.kind, d.codes = "log", logCodes
		if p := w.pick(".log", ".jtx"); p != "" {
			// The last logSegment might as well never have been written.
			data := bytes.TrimRight(w.bytesOf(p), "\x00")
			if n := (len(data) - 1) / logSegment; n > 0 {
				w.decay(d, p, w.rng.IntN(n)*logSegment, logSegment)
			}
		}
	case 6:
		d.kind = "checkpoint"
		if p := w.pick(".chk"); p != "" && !w.gap {
			w.decay(d, p, 0, len(w.bytesOf(p)))
		}
	case 7:
		d.kind = "checkpoint gone"
		if !w.gap {
			w.vanish(d, w.pick(".chk"))
		}
	case 8:
		d.kind, d.codes = "log gone", lostCodes
		p := w.pick(".log", ".jtx")
		// Without any log a new sequence begins; after a roll-over that was cut off the last one is no edb.log.
		if _, err := w.sim.ReadFile(home + "/edb.log"); err == nil && path.Base(p) != "edb.log" {
			w.vanish(d, p)
		}
	case 9:
		if w.rng.IntN(2) == 0 {
			d.kind, d.codes = "database gone", goneCodes
			w.backups.bare = true // as above
			if p := w.pick(".edb"); !w.loose {
				w.vanish(d, p)
			}
		} else {
			d.kind = "reserve or map gone"
			w.vanish(d, w.pick(".jrs", ".jfm"))
		}
	}
}

// bothHeaders says that the copies of a database's header are alike.
func (w *world) bothHeaders(path string) bool {
	data, n := w.bytesOf(path), w.set.pageSize
	return len(data) >= 2*n && bytes.Equal(data[:n], data[n:2*n])
}

// vanish takes a file away.
func (w *world) vanish(d *damage, path string) {
	if path == "" {
		return
	}
	d.path, d.data = path, w.bytesOf(path)
	w.ok(w.sim.Vanish(path), "vanish")
	w.note("damage: %s, %s", d.kind, path)
	w.tally["damage: "+d.kind]++
	w.damage = d
}

// mend puts right what was damaged, as far as nobody else has.
func (w *world) mend() {
	d := w.damage
	if d == nil {
		return
	}
	w.damage = nil
	if strings.HasSuffix(d.path, ".chk") {
		return // recovery that has begun without it has changed what is needed
	}
	w.note("mended: %s, %s", d.kind, d.path)
	if d.rot != nil {
		w.sim.Mend(d.rot)
		return
	}
	if _, err := w.sim.ReadFile(d.path); err != nil {
		w.ok(w.sim.WriteFile(d.path, d.data), "put back")
	}
}

// witness looks at everything while a page is damaged: what it is part of fails with the code of the damage, or not
// when it is not needed; everything else is as it should be.
func (w *world) witness() {
	s, err := w.inst.BeginSession()
	w.ok(err, "JetBeginSession")
	v := w.m.now()
	failed := 0
	for _, t := range w.m.tables {
		if !v.sight(t.born, t.died) || t.died != nil {
			continue
		}
		id, err := s.OpenDatabase(0, w.paths()[t.db], 0)
		w.ok(err, "JetOpenDatabase")
		var got []string
		o := w.try(func() { got = w.dumpTable(s, id, t.name, t.label()) })
		if o.cut {
			w.fail("power cut while nothing was armed")
		}
		if o.trouble != nil {
			failed++
			continue
		}
		if want := w.m.dumpTable(nil, t, v, true); !slices.Equal(got, want) {
			w.fail("with a damaged page, table %s differs:\n%s", t.name, difference(got, want))
		}
	}
	w.tally["tables read beside a damaged page"]++
	if failed > 1 && w.damage.objID > lastSystemTable {
		w.fail("%d tables cannot be read because of a page of object %d", failed, w.damage.objID)
	}
}

// logSegment is the size of the pieces of a log.
const logSegment = 4096

// lastSystemTable bounds the object ids of the system tables.
const lastSystemTable = 16
