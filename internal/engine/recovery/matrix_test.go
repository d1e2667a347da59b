package recovery

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"esent/internal/engine/dbfile"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/testdata"
	"esent/internal/vfs"
)

// matrixHost is a host over a copy of the set that the matrix is about.
func matrixHost(t testing.TB, set string) *testHost {
	t.Helper()
	h := setHost(t, set, vfs.System())
	h.cachePages = 2000
	return h
}

func (h *testHost) path(name string) string { return filepath.Join(h.cfg.LogDir, name) }

func (h *testHost) archive(gen int32) string { return h.path(h.cfg.Naming.Archive(gen)) }

func (h *testHost) remove(paths ...string) {
	h.t.Helper()
	for _, p := range paths {
		if err := os.Remove(p); err != nil {
			h.t.Fatal(err)
		}
	}
}

// removeArchives removes the archives of generations from first to last.
func (h *testHost) removeArchives(first, last int32) {
	h.t.Helper()
	for gen := first; gen <= last; gen++ {
		h.remove(h.archive(gen))
	}
}

// damage inverts n bytes of a file.
func (h *testHost) damage(path string, off int64, n int) {
	h.t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		h.t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, n)
	if _, err = f.ReadAt(b, off); err == nil {
		for i := range b {
			b[i] = ^b[i]
		}
		_, err = f.WriteAt(b, off)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *testHost) zero(path string, off int64, n int) {
	h.t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err == nil {
		_, err = f.WriteAt(make([]byte, n), off)
		f.Close()
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// TestMatrix has the cases of recovery_matrix.txt, with the codes that the original engine gives.
func TestMatrix(t *testing.T) {
	const lastArchive = 38
	set := testdata.Set(t, "dirty_multigen")
	for _, c := range []struct {
		name    string
		prepare func(h *testHost)
		want    jet.Err
		outcome Outcome // when want is 0
	}{
		{"as left", func(h *testHost) {}, 0, Recovered},
		{"no checkpoint file", func(h *testHost) { h.remove(h.path("edb.chk")) }, 0, Recovered},
		{"no flush map file", func(h *testHost) { h.remove(h.path("db.jfm")) }, 0, Recovered},
		{"no edbtmp.log and reserve logs", func(h *testHost) {
			h.remove(h.path("edbtmp.log"), h.path("edbres00001.jrs"), h.path("edbres00002.jrs"))
		}, 0, Recovered},
		{"no edb.log", func(h *testHost) { h.remove(h.path("edb.log")) }, jet.ErrRequiredLogFilesMissing, 0},
		{"no edb.log and edbtmp.log", func(h *testHost) { h.remove(h.path("edb.log"), h.path("edbtmp.log")) }, jet.ErrMissingLogFile, 0},
		{"generation 0xA missing", func(h *testHost) { h.remove(h.archive(10)) }, jet.ErrInvalidLogSequence, 0},
		{"generation 1 missing", func(h *testHost) { h.remove(h.archive(1)) }, jet.ErrMissingLogFile, 0},
		{"all closed generations missing", func(h *testHost) { h.removeArchives(1, lastArchive) }, jet.ErrMissingLogFile, 0},
		{"all logs missing", func(h *testHost) {
			h.removeArchives(1, lastArchive)
			h.remove(h.path("edb.log"), h.path("edbtmp.log"))
		}, 0, NewStream},
		{"all logs missing, must exist", func(h *testHost) {
			h.removeArchives(1, lastArchive)
			h.remove(h.path("edb.log"))
			h.cfg.Grbit = jet.BitLogStreamMustExist
		}, jet.ErrMissingLogFile, 0},
		{"database missing", func(h *testHost) { h.remove(h.path("db.edb")) }, 0, Recovered},
		{"wrong page size parameter", func(h *testHost) { h.cfg.PageSize = 8192 }, jet.ErrPageSizeMismatch, 0},
		{"base name xyz", func(h *testHost) { h.cfg.Naming.Base = "xyz" }, 0, NewStream},
		{"edb.log header damaged", func(h *testHost) { h.damage(h.path("edb.log"), 100, 4) }, jet.ErrLogFileCorrupt, 0},
		{"damaged inside generation 0xA", func(h *testHost) { h.damage(h.archive(10), 60000, 4) }, jet.ErrLogFileCorrupt, 0},
		{"edb.log truncated", func(h *testHost) {
			if err := os.Truncate(h.path("edb.log"), 64<<10); err != nil {
				h.t.Fatal(err)
			}
		}, jet.ErrLogFileSizeMismatch, 0},
		{"damaged in edb.log", func(h *testHost) { h.damage(h.path("edb.log"), 8300, 4) }, jet.ErrLogFileCorrupt, 0},
		{"first database header zeroed", func(h *testHost) { h.zero(h.path("db.edb"), 0, 4096) }, 0, Recovered},
		{"both database headers zeroed", func(h *testHost) { h.zero(h.path("db.edb"), 0, 8192) }, 0, Recovered},
		{"directory moved", func(h *testHost) { h.moved("nowhere") }, jet.ErrAttachedDatabaseMismatch, 0},
		{"directory moved, missing databases ignored", func(h *testHost) {
			h.moved("nowhere")
			h.cfg.Grbit = jet.BitReplayIgnoreMissingDB
		}, 0, Recovered},
		{"database left out", func(h *testHost) {
			h.cfg.Map = func(string, jet.Signature) (Mapping, error) { return Mapping{Skip: true}, nil }
		}, jet.ErrAttachedDatabaseMismatch, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := matrixHost(t, set)
			h.t = t
			c.prepare(h)
			res, err := h.run()
			if codeOf(err) != c.want || c.want == 0 && res.Outcome != c.outcome {
				t.Fatalf("outcome %v, %v", res.Outcome, err)
			}
			if c.want != 0 || c.outcome != Recovered {
				return
			}
			if !strings.Contains(c.name, "directory moved") {
				checkContent(t, h.cfg.Env, h.cfg.LogDir, filepath.Join(set, "manifest.txt"))
			}
			if res, err := h.run(); err != nil || res.Outcome != WasClean {
				t.Errorf("second start: outcome %v, %v", res.Outcome, err)
			}
		})
	}
}

// moved maps all databases into another directory.
func (h *testHost) moved(dir string) {
	h.cfg.Map = func(string, jet.Signature) (Mapping, error) { return Mapping{Path: h.path(dir) + "/db.edb"}, nil }
}

// TestLostLogs has the table of spec chapter 05, 22.2: what happens to logs that no database requires, though
// changes in them were committed.
func TestLostLogs(t *testing.T) {
	const required, last = 20, 39
	set := testdata.Set(t, "dirty_multigen")
	// A database whose pages and header know of nothing beyond a generation in the middle: the original one's
	// waypoint would have made it so.
	early := matrixHost(t, set)
	early.remove(early.path("db.edb"), early.path("edb.log"))
	early.removeArchives(required+1, last-1)
	early.cfg.Grbit = jet.BitRecoveryWithoutUndo | jet.BitAllowMissingCurrentLog
	if _, err := early.run(); jet.CodeOf(err) != jet.ErrRecoveredWithoutUndo {
		t.Fatal(err)
	}
	f, err := dbfile.Open(early.cfg.Env, early.path("db.edb"), dbfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f.UpdateHeader(func(h *dbfile.Header) {
		if h.GenMaxRequired != required {
			t.Errorf("required up to generation %d", h.GenMaxRequired)
		}
		h.GenMaxCommitted, h.GenMaxCreatedAt = last, jet.LogTime{}
	})
	if err := f.WriteHeader(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	const lost, removed = jet.WrnCommittedLogFilesLost, jet.WrnCommittedLogFilesRemoved
	for _, c := range []struct {
		damage                     string
		prepare                    func(h *testHost)
		none, ignore, ignoreDelete jet.Err
	}{
		{"tail missing", func(h *testHost) { h.remove(h.path("edb.log")) }, jet.ErrCommittedLogFilesMissing, lost, lost},
		{"tail and temporary log missing", func(h *testHost) { h.remove(h.path("edb.log"), h.path("edbtmp.log")) },
			jet.ErrMissingLogFile, lost, lost},
		{"gap", func(h *testHost) { h.remove(h.archive(30)) }, jet.ErrCommittedLogFilesMissing, jet.ErrCommittedLogFilesMissing, removed},
		{"corrupt archive", func(h *testHost) { h.damage(h.archive(30), 60000, 4) },
			jet.ErrCommittedLogFileCorrupt, jet.ErrCommittedLogFileCorrupt, removed},
		{"corrupt edb.log", func(h *testHost) { h.damage(h.path("edb.log"), 8300, 4) },
			jet.ErrCommittedLogFileCorrupt, jet.ErrCommittedLogFileCorrupt, removed},
		{"nothing", func(h *testHost) {}, 0, 0, 0},
		{"required gap", func(h *testHost) { h.remove(h.archive(required)) },
			jet.ErrInvalidLogSequence, jet.ErrInvalidLogSequence, jet.ErrInvalidLogSequence},
		{"required tail missing", func(h *testHost) {
			h.removeArchives(required, last-1)
			h.remove(h.path("edb.log"))
		}, jet.ErrRequiredLogFilesMissing, jet.ErrRequiredLogFilesMissing, jet.ErrRequiredLogFilesMissing},
	} {
		for i, want := range []jet.Err{c.none, c.ignore, c.ignoreDelete} {
			t.Run(fmt.Sprint(c.damage, i), func(t *testing.T) {
				h := matrixHost(t, set)
				b, err := os.ReadFile(early.path("db.edb"))
				if err == nil {
					err = os.WriteFile(h.path("db.edb"), b, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
				c.prepare(h)
				if i > 0 {
					h.cfg.Grbit = jet.BitReplayIgnoreLostLogs
				}
				h.cfg.DeleteOutOfRangeLogs = i == 2
				res, err := h.run()
				if got := codeOf(err); got != want && (got != 0 || res.Warning != want) {
					t.Fatalf("warning %v, %v, want %d", res.Warning, err, want)
				}
				if err != nil {
					return
				}
				if res, err := h.run(); err != nil || res.Outcome != WasClean {
					t.Errorf("second start: outcome %v, %v", res.Outcome, err)
				}
			})
		}
	}
}

// TestWithoutUndo stops before undo, and goes on from there.
func TestWithoutUndo(t *testing.T) {
	for _, name := range []string{"dirty_simple", "dirty_fuzz4", "dirty_lazy"} {
		set := testdata.Set(t, name)
		h := setHost(t, set, vfs.System())
		h.cfg.Grbit = jet.BitRecoveryWithoutUndo
		for range 2 {
			if _, err := h.run(); jet.CodeOf(err) != jet.ErrRecoveredWithoutUndo {
				t.Fatal(err)
			}
		}
		header, err := dbfile.ReadFileHeader(h.cfg.Env.FS, h.path("db.edb"))
		if err != nil || header.State != dbfile.StateDirty {
			t.Errorf("state %v, %v", header.State, err)
		}
		h.cfg.Grbit = 0
		if res, err := h.run(); err != nil || res.Outcome != Recovered {
			t.Fatal(res.Outcome, err)
		}
		checkContent(t, h.cfg.Env, h.cfg.LogDir, filepath.Join(set, "manifest.txt"))
		h.cfg.Grbit = jet.BitRecoveryWithoutUndo
		if _, err := h.run(); jet.CodeOf(err) != jet.ErrRecoveredWithoutUndoDatabasesConsistent {
			t.Errorf("clean databases: %v", err)
		}
	}
}

// TestTruncateLogs has old logs removed after recovery.
func TestTruncateLogs(t *testing.T) {
	set := testdata.Set(t, "dirty_multigen")
	h := matrixHost(t, set)
	h.cfg.Grbit = jet.BitTruncateLogsAfterRecovery
	res, err := h.run()
	if err != nil {
		t.Fatal(err)
	}
	d, err := logstore.FindLogs(h.cfg.Env.FS, h.cfg.LogDir, h.cfg.Naming)
	if err != nil || !d.Current {
		t.Fatal(d, err)
	}
	if d.Lowest() != 0 && d.Lowest() < res.Tail.Header.Gen {
		t.Errorf("generation %d is still there", d.Lowest())
	}
	checkContent(t, h.cfg.Env, h.cfg.LogDir, filepath.Join(set, "manifest.txt"))
}

// TestControlCalls compares the calls to the application with those of the original engine.
func TestControlCalls(t *testing.T) {
	shared := testdata.Shared(t)
	h := matrixHost(t, testdata.Set(t, "dirty_multigen"))
	var got []string
	h.onControl = func(c *Control) error {
		switch c.Kind {
		case ControlOpenCheckpoint:
			got = append(got, "1002")
		case ControlOpenLog:
			current := 0
			if c.Current {
				current = 1
			}
			got = append(got, fmt.Sprint("1001 ", c.Gen, current, c.Reason, filepath.Base(c.Path)))
		case ControlEvent:
			got = append(got, fmt.Sprint("1006 ", c.EventID))
		case ControlBeginUndo:
			got = append(got, "1005")
		case ControlBegin:
			got = append(got, "5 0")
		case ControlComplete:
			got = append(got, "6 100")
		}
		return c.Default
	}
	h.onProgress = func(done int) { got = append(got, fmt.Sprint("0 ", done)) }
	if _, err := h.run(); err != nil {
		t.Fatal(err)
	}
	want := matrixCalls(t, filepath.Join(shared, "data", "engine", "recovery_matrix.txt"))
	if !reflect.DeepEqual(got, want) {
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				t.Errorf("call %d is %q, want %q", i, got[i], want[i])
				break
			}
		}
		t.Errorf("%d calls, want %d", len(got), len(want))
	}
}

// matrixCalls reads the calls at the end of the matrix.
func matrixCalls(t testing.TB, path string) (calls []string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	control := regexp.MustCompile(`recovery control snt=(\d+) (OpenLog gen=(\d+) current=(\d) reason=(\d) .*\\([^\\]+) err|Event (\d+))?`)
	status := regexp.MustCompile(`status snp=8 snt=(\d+) (\d+)/100`)
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if m := control.FindStringSubmatch(sc.Text()); m != nil {
			switch m[1] {
			case "1001":
				gen, _ := strconv.Atoi(m[3])
				current, _ := strconv.Atoi(m[4])
				reason, _ := strconv.Atoi(m[5])
				calls = append(calls, fmt.Sprint("1001 ", int32(gen), current, uint32(reason), m[6]))
			case "1006":
				calls = append(calls, "1006 "+m[7])
			default:
				calls = append(calls, m[1])
			}
		}
		if m := status.FindStringSubmatch(sc.Text()); m != nil {
			calls = append(calls, m[1]+" "+m[2])
		}
	}
	return calls
}
