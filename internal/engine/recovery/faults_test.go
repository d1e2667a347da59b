package recovery

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"esent/internal/checksum"
	"esent/internal/engine/dbfile"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/testdata"
)

// patchHeader changes a header and gives it a right checksum.
func (h *testHost) patchHeader(path string, size int, change func(b []byte)) {
	h.t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		h.t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, size)
	if _, err = f.ReadAt(b, 0); err == nil {
		change(b)
		binary.LittleEndian.PutUint32(b, checksum.XOR(b))
		_, err = f.WriteAt(b, 0)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// TestHeaderFaults has the faults of spec chapter 05, 19.2, step 4, in logs of which the checksum is right, each in an
// archive and in the current log.
func TestHeaderFaults(t *testing.T) {
	set := testdata.Set(t, "dirty_multigen")
	flip := func(off int) func(b []byte) { return func(b []byte) { b[off] ^= 0x55 } }
	for _, c := range []struct {
		name             string
		change           func(b []byte)
		archive, current jet.Err
	}{
		{"signature", flip(50), jet.ErrBadLogSignature, jet.ErrBadLogSignature},
		{"time of the generation before", flip(27), jet.ErrInvalidLogSequence, jet.ErrInvalidLogSequence},
		{"generation", flip(4), jet.ErrInvalidLogSequence, jet.ErrInvalidLogSequence},
		{"checksum of the log before", flip(653), jet.ErrLogSequenceChecksumMismatch, jet.ErrLogSequenceChecksumMismatch},
		{"creation, of the last generation required", flip(19), jet.ErrInvalidLogSequence, jet.ErrRequiredLogFilesMissing},
		{"file type", flip(667), jet.ErrFileInvalidType, jet.ErrFileInvalidType},
		{"segment count", flip(12), jet.ErrLogFileSizeMismatch, jet.ErrLogFileSizeMismatch},
		{"segment size", flip(9), jet.ErrLogFileCorrupt, jet.ErrLogFileCorrupt},
		{"page size", flip(15), jet.ErrPageSizeMismatch, jet.ErrPageSizeMismatch},
		{"version", func(b []byte) { b[40] = 255 }, jet.ErrBadLogVersion, jet.ErrBadLogVersion},
		{"attachment list", func(b []byte) { clear(b[671:2719]) }, 0, 0},
	} {
		for i, want := range []jet.Err{c.archive, c.current} {
			t.Run(c.name+[]string{", archive", ", current"}[i], func(t *testing.T) {
				h := matrixHost(t, set)
				h.t = t
				path := h.archive(10)
				if i == 1 {
					path = h.path("edb.log")
				}
				h.patchHeader(path, logstore.HeaderSize, c.change)
				if _, err := h.run(); codeOf(err) != want {
					t.Fatalf("%v, want %v", err, want)
				}
			})
		}
	}
}

// TestOtherFiles has what lies about beside the logs, and how they are called.
func TestOtherFiles(t *testing.T) {
	set := testdata.Set(t, "dirty_multigen")
	const last = 38
	rename := func(h *testHost, gen int32, to string) {
		if err := os.Rename(h.archive(gen), h.path(to)); err != nil {
			h.t.Fatal(err)
		}
	}
	five, eight := logstore.NewNaming("edb", 3), logstore.NewNaming("edb", 1)
	for _, c := range []struct {
		name    string
		prepare func(h *testHost)
		want    jet.Err
	}{
		{"five digits, some eight", func(h *testHost) {
			for gen := int32(1); gen <= last; gen++ {
				if gen%3 != 0 {
					rename(h, gen, five.Archive(gen))
				}
			}
			h.cfg.Naming = five
		}, 0},
		{"eight digits, five configured", func(h *testHost) { h.cfg.Naming = five }, 0},
		{"other extension", func(h *testHost) {
			for gen := int32(1); gen <= last; gen++ {
				rename(h, gen, strings.TrimSuffix(eight.Archive(gen), ".log")+".jtx")
			}
			for _, n := range [][2]string{{"edb.log", "edb.jtx"}, {"edb.chk", "edb.jcp"}, {"edbtmp.log", "edbtmp.jtx"}} {
				if err := os.Rename(h.path(n[0]), h.path(n[1])); err != nil {
					h.t.Fatal(err)
				}
			}
		}, 0},
		{"archive under another number", func(h *testHost) { rename(h, 10, "edb000000FF.log") }, jet.ErrInvalidLogSequence},
		{"two archives change places", func(h *testHost) {
			rename(h, 10, "x")
			rename(h, 11, eight.Archive(10))
			if err := os.Rename(h.path("x"), h.archive(11)); err != nil {
				h.t.Fatal(err)
			}
		}, jet.ErrInvalidLogSequence},
		{"files that only look like logs", func(h *testHost) {
			for _, name := range []string{"edb0000000G.log", "edb123.log", "edbtmp2.log", "edb00000010.log.bak", "res1.log"} {
				if err := os.WriteFile(h.path(name), []byte("no log"), 0o600); err != nil {
					h.t.Fatal(err)
				}
			}
		}, 0},
		{"checkpoint of another stream", func(h *testHost) {
			h.patchHeader(h.path("edb.chk"), 4096, func(b []byte) { b[21] ^= 1 })
			h.zero(h.path("edb.chk"), 4096, 4096)
		}, 0},
		{"checkpoint cut off", func(h *testHost) {
			if err := os.Truncate(h.path("edb.chk"), 100); err != nil {
				h.t.Fatal(err)
			}
		}, 0},
		{"archives of the future, to be deleted", func(h *testHost) {
			b, err := os.ReadFile(h.archive(last))
			if err == nil {
				err = os.WriteFile(h.archive(60), b, 0o600)
			}
			if err != nil {
				h.t.Fatal(err)
			}
			h.patchHeader(h.archive(60), 4096, func(b []byte) { b[4] = 60 })
			h.cfg.DeleteOutOfRangeLogs = true
		}, 0},
		{"one wrong bit in a segment", func(h *testHost) {
			f, err := os.OpenFile(h.archive(10), os.O_RDWR, 0)
			if err != nil {
				h.t.Fatal(err)
			}
			defer f.Close()
			b := make([]byte, 1)
			if _, err = f.ReadAt(b, 60000); err == nil {
				b[0] ^= 8
				_, err = f.WriteAt(b, 60000)
			}
			if err != nil {
				h.t.Fatal(err)
			}
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := matrixHost(t, set)
			h.t = t
			c.prepare(h)
			if _, err := h.run(); codeOf(err) != c.want {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if c.want != 0 {
				return
			}
			checkContent(t, h.cfg.Env, h.cfg.LogDir, filepath.Join(set, "manifest.txt"))
			checkStructure(t, h.cfg.Env, h.cfg.LogDir, filepath.Join(set, "manifest.txt"))
			if res, err := h.run(); err != nil || res.Outcome != WasClean {
				t.Errorf("second start: outcome %v, %v", res.Outcome, err)
			}
			if h.cfg.DeleteOutOfRangeLogs {
				if _, err := os.Stat(h.archive(60)); err == nil {
					t.Error("the archive is still there")
				}
			}
		})
	}
}

// TestIgnoreBeforeRequired passes by what a database has for sure.
func TestIgnoreBeforeRequired(t *testing.T) {
	const stop = 20
	set := testdata.Set(t, "dirty_multigen")
	h := matrixHost(t, set)
	h.cfg.StopAt = jet.MakeLogPos(stop, 0, 0)
	if _, err := h.run(); jet.CodeOf(err) != jet.ErrRecoveredWithoutUndo {
		t.Fatal(err)
	}
	before, err := dbfile.ReadFileHeader(h.cfg.Env.FS, h.path("db.edb"))
	if err != nil || before.GenMinRequired < stop/2 {
		t.Fatalf("required from generation %d, %v", before.GenMinRequired, err)
	}
	h.remove(h.path("edb.chk"))
	h.cfg.StopAt, h.cfg.Grbit = jet.MakeLogPos(stop+1, 0, 0), jet.BitReplayIgnoreLogRecordsBeforeMinRequiredLog
	lowest := int32(0)
	h.onControl = func(c *Control) error {
		if c.Kind == ControlOpenLog && lowest == 0 {
			lowest = c.Gen
		}
		for i := range c.Databases {
			if c.Databases[i].GenMinRequired < before.GenMinRequired {
				t.Errorf("required from generation %d at %v", c.Databases[i].GenMinRequired, c.Gen)
			}
		}
		return c.Default
	}
	if _, err := h.run(); jet.CodeOf(err) != jet.ErrRecoveredWithoutUndo {
		t.Fatal(err)
	}
	if lowest != 1 {
		t.Errorf("replay began in generation %d", lowest)
	}
	h.cfg.StopAt, h.onControl = 0, nil
	if _, err := h.run(); err != nil {
		t.Fatal(err)
	}
	checkContent(t, h.cfg.Env, h.cfg.LogDir, filepath.Join(set, "manifest.txt"))
	checkStructure(t, h.cfg.Env, h.cfg.LogDir, filepath.Join(set, "manifest.txt"))
}
