package recovery

import (
	"path/filepath"
	"testing"
	"time"

	"esent/internal/engine/dbfile"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/testdata"
	"esent/internal/vfs"
)

// TestStop ends replay early, by position and by time, and goes on from there to the end.
func TestStop(t *testing.T) {
	const damaged = 10
	set := testdata.Set(t, "dirty_multigen")
	created := func(gen int32) jet.LogTime {
		h, err := logstore.ReadHeader(vfs.System().FS, filepath.Join(set, "files", logstore.NewNaming("edb", 1).Archive(gen)))
		if err != nil {
			t.Fatal(err)
		}
		return h.Created
	}
	end := jet.MakeLogPos(100, 1, 0)
	for _, c := range []struct {
		name   string
		at     jet.LogPos
		time   jet.LogTime
		damage bool // in generation damaged, behind the stop
		last   int32
		want   jet.Err
	}{
		{"whole generation", jet.MakeLogPos(7, 0, 0), jet.LogTime{}, false, 7, jet.ErrRecoveredWithoutUndo},
		{"whole generation, said otherwise", jet.MakeLogPos(7, 0xFFFF, 0xFFFF), jet.LogTime{}, false, 7, jet.ErrRecoveredWithoutUndo},
		{"within a generation", jet.MakeLogPos(20, 5, 300), jet.LogTime{}, false, 20, jet.ErrRecoveredWithoutUndo},
		{"before damage", jet.MakeLogPos(damaged, 5, 0), jet.LogTime{}, true, damaged, jet.ErrRecoveredWithoutUndo},
		{"behind damage", jet.MakeLogPos(damaged+1, 5, 0), jet.LogTime{}, true, 0, jet.ErrLogFileCorrupt},
		{"in the first log", jet.MakeLogPos(1, 1, 0), jet.LogTime{}, false, 1, jet.ErrRecoveredWithoutUndo},
		{"behind the end", end, jet.LogTime{}, false, 39, 0},
		{"time", 0, created(15), false, 15, jet.ErrRecoveredWithoutUndo},
		{"time and position", jet.MakeLogPos(12, 0, 0), created(15), false, 12, jet.ErrRecoveredWithoutUndo},
		{"late time", 0, jet.MakeLogTime(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)), false, 39, 0},
		{"position without generation", jet.MakeLogPos(0, 1, 0), jet.LogTime{}, false, 0, jet.ErrInvalidParameter},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := matrixHost(t, set)
			h.t = t
			if c.damage {
				h.damage(h.archive(damaged), 60000, 4)
			}
			h.cfg.StopAt, h.cfg.StopTime = c.at, c.time
			last := int32(0)
			h.onControl = func(c *Control) error {
				if c.Kind == ControlOpenLog && c.Reason == jet.OpenLogForRedo {
					last = max(last, c.Gen)
				}
				return c.Default
			}
			res, err := h.run()
			if codeOf(err) != c.want {
				t.Fatal(err)
			}
			if c.last != 0 && last > c.last+1 || c.time == (jet.LogTime{}) && c.last != 0 && last != c.last {
				t.Errorf("generation %d was opened", last)
			}
			if c.want == 0 {
				checkContent(t, h.cfg.Env, h.cfg.LogDir, filepath.Join(set, "manifest.txt"))
				return
			}
			if c.want != jet.ErrRecoveredWithoutUndo || c.damage {
				return
			}
			header, err := dbfile.ReadFileHeader(h.cfg.Env.FS, h.path("db.edb"))
			if err == nil && header.State != dbfile.StateDirty {
				t.Errorf("state %v", header.State)
			}
			h.cfg.StopAt, h.cfg.StopTime, h.onControl = 0, jet.LogTime{}, nil
			again, err := h.run()
			if err != nil {
				t.Fatal(err)
			}
			if again.RedoFrom < res.RedoFrom {
				t.Errorf("redo begins at %v, began at %v before", again.RedoFrom, res.RedoFrom)
			}
			checkContent(t, h.cfg.Env, h.cfg.LogDir, filepath.Join(set, "manifest.txt"))
			checkStructure(t, h.cfg.Env, h.cfg.LogDir, filepath.Join(set, "manifest.txt"))
		})
	}
	h := matrixHost(t, set)
	h.cfg.StopAt, h.cfg.DeleteOutOfRangeLogs = end, true
	if _, err := h.run(); jet.CodeOf(err) != jet.ErrInvalidParameter {
		t.Error("stop, and logs deleted: ", err)
	}
}

// TestShipping replays a stream as its logs come in: each time to the end of what is there, without undo. The checkpoint
// follows, so that the logs behind can be removed.
func TestShipping(t *testing.T) {
	const last = 38
	set := testdata.Set(t, "dirty_multigen")
	h := matrixHost(t, set)
	h.remove(h.path("db.edb"), h.path("edb.chk"))
	h.cfg.Grbit = jet.BitRecoveryWithoutUndo | jet.BitAllowMissingCurrentLog | jet.BitTruncateLogsAfterRecovery
	var from jet.LogPos
	for gen := int32(1); gen <= last; gen += 4 {
		h.cfg.StopAt = jet.MakeLogPos(gen, 0, 0)
		res, err := h.run()
		if jet.CodeOf(err) != jet.ErrRecoveredWithoutUndo {
			t.Fatal(gen, err)
		}
		if res.RedoFrom < from {
			t.Errorf("generation %d: redo begins at %v, began at %v before", gen, res.RedoFrom, from)
		}
		from = res.RedoFrom
	}
	if from.Gen() < last/2 {
		t.Errorf("the checkpoint stays behind: %v", from)
	}
	d, err := logstore.FindLogs(h.cfg.Env.FS, h.cfg.LogDir, h.cfg.Naming)
	if err != nil || d.Lowest() < from.Gen() {
		t.Errorf("lowest log %d, %v", d.Lowest(), err)
	}
	h.cfg.Grbit, h.cfg.StopAt = 0, 0
	if res, err := h.run(); err != nil || res.Outcome != Recovered {
		t.Fatal(res.Outcome, err)
	}
	checkContent(t, h.cfg.Env, h.cfg.LogDir, filepath.Join(set, "manifest.txt"))
	checkStructure(t, h.cfg.Env, h.cfg.LogDir, filepath.Join(set, "manifest.txt"))
}
