package recovery

import (
	"os"
	"path/filepath"
	"testing"

	"esent/internal/engine/dbfile"
	"esent/internal/jet"
	"esent/internal/logstore"
	"esent/internal/testdata"
	"esent/internal/vfs"
)

// restoreHost restores a backup set into an empty directory. Copying and patching the database is not this
// package's, and done here in the plainest way (spec chapter 06, 11.4).
func restoreHost(t testing.TB, set string) *testHost {
	t.Helper()
	env := vfs.System()
	d, err := logstore.FindLogs(env.FS, set, logstore.NewNaming("edb", 1))
	if err != nil || len(d.Archives) == 0 {
		t.Fatal(d, err)
	}
	h := newHost(t, env, t.TempDir(), 4096)
	h.cfg.Hard = &Hard{SetDir: set, GenLow: d.Lowest(), GenHigh: d.Highest(), Prepare: func(_ string, m Mapping) (bool, error) {
		if _, err := os.Stat(m.Path); err == nil {
			return true, nil
		}
		b, err := os.ReadFile(filepath.Join(set, filepath.Base(m.Path)))
		if err != nil {
			return false, nil
		}
		if err := os.WriteFile(m.Path, b, 0o600); err != nil {
			return false, err
		}
		return true, patchCopy(env, m.Path, d.Highest())
	}}
	return h
}

func patchCopy(env *vfs.Env, path string, high int32) error {
	f, err := dbfile.Open(env, path, dbfile.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	last, err := f.Pages()
	if err != nil {
		return err
	}
	page := make([]byte, f.PageSize())
	if err := f.ReadRaw(last, page); err != nil {
		return err
	}
	if _, err := dbfile.DecodeTrailer(page); err != nil {
		return err
	}
	f.UpdateHeader(func(h *dbfile.Header) {
		h.FullCur.GenHigh = uint32(high)
		if high > h.GenMaxCommitted {
			h.GenMaxCommitted, h.GenMaxCreatedAt = high, jet.LogTime{}
		}
		if high > h.GenMaxRequired {
			h.GenMaxRequired, h.GenMaxRequiredAt = high, jet.LogTime{}
		}
	})
	if err := f.WriteHeader(); err != nil {
		return err
	}
	clear(page)
	return f.WriteRaw(last, page)
}

// TestHardRecovery restores the backups that the original engine made, and compares with what it restored.
func TestHardRecovery(t *testing.T) {
	root := testdata.Set(t, "backup")
	for _, c := range []struct{ set, dump string }{
		{"backup", "restored_r_full_inc_dump.txt"},
		{"concurrent", "restored_r_concurrent_dump.txt"},
		{"atomic/new", "restored_r_atomic_dump.txt"},
	} {
		t.Run(c.set, func(t *testing.T) {
			h := restoreHost(t, filepath.Join(root, "files", c.set))
			res, err := h.run()
			if err != nil || res.Outcome != Recovered || res.Tail.Current {
				t.Fatal(res.Outcome, err)
			}
			dump, err := os.ReadFile(filepath.Join(root, c.dump))
			if err != nil {
				t.Fatal(err)
			}
			manifest := filepath.Join(t.TempDir(), "manifest.txt")
			if err := os.WriteFile(manifest, append([]byte("#### walk_db.edb.txt\n"), dump...), 0o600); err != nil {
				t.Fatal(err)
			}
			checkContent(t, h.cfg.Env, h.cfg.LogDir, manifest)
			header, err := dbfile.ReadFileHeader(h.cfg.Env.FS, h.path("db.edb"))
			if err != nil {
				t.Fatal(err)
			}
			none := jet.BackupInfo{}
			if header.FullCur != none || header.FullPrev != none || header.IncPrev != none || header.CopyPrev != none {
				t.Error("the header still speaks of backups")
			}
			h.cfg.Hard = nil
			if res, err := h.run(); err != nil || res.Outcome != WasClean {
				t.Errorf("start after the restore: outcome %v, %v", res.Outcome, err)
			}
		})
	}
}

// TestHardRecoveryFailures has the codes of spec chapter 05, 25 that are found while logs are replayed.
func TestHardRecoveryFailures(t *testing.T) {
	root := testdata.Set(t, "backup", "backup/files/backup/*")
	for _, c := range []struct {
		name    string
		prepare func(h *testHost, set string)
		want    jet.Err
	}{
		{"log missing", func(h *testHost, set string) { h.remove(filepath.Join(set, "edb00000005.log")) }, jet.ErrMissingRestoreLogFiles},
		{"first too new", func(h *testHost, set string) { h.remove(filepath.Join(set, "edb00000001.log")) }, jet.ErrStartingRestoreLogTooHigh},
		{"last too old", func(h *testHost, _ string) { h.cfg.Hard.GenHigh++ }, jet.ErrEndingRestoreLogTooLow},
		{"damaged", func(h *testHost, set string) { h.damage(filepath.Join(set, "edb00000005.log"), 60000, 4) }, jet.ErrLogCorruptDuringHardRestore},
		{"database not in the set", func(h *testHost, set string) { h.remove(filepath.Join(set, "db.edb")) }, jet.ErrAttachedDatabaseMismatch},
		{"foreign log behind the set", func(h *testHost, set string) {
			b, err := os.ReadFile(filepath.Join(set, "edb00000002.log"))
			if err == nil {
				err = os.WriteFile(h.path("edb.log"), b, 0o600)
			}
			if err != nil {
				h.t.Fatal(err)
			}
		}, jet.ErrInvalidLogSequence},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := copyFiles(t, filepath.Join(root, "files", "backup"))
			h := restoreHost(t, set)
			c.prepare(h, set)
			if _, err := h.run(); codeOf(err) != c.want {
				t.Errorf("%v, want %d", err, c.want)
			}
		})
	}
}

// TestRecoverBackupCopy has soft recovery work on the copy of a backup itself, with all logs up to the end of the
// stream: what comes out is the database that was backed up, page by page.
func TestRecoverBackupCopy(t *testing.T) {
	root := testdata.Set(t, "backup", "backup/files/*")
	for _, copied := range []string{"backup", "concurrent", "atomic/new"} {
		t.Run(copied, func(t *testing.T) {
			h := newHost(t, vfs.System(), copyFiles(t, filepath.Join(root, "files", "log")), 4096)
			h.remove(h.path("edb.chk"))
			b, err := os.ReadFile(filepath.Join(root, "files", copied, "db.edb"))
			if err == nil {
				err = os.WriteFile(h.path("db.edb"), b, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := h.run(); codeOf(err) != jet.ErrSoftRecoveryOnBackupDatabase {
				t.Errorf("without leave: %v", err)
			}
			h.cfg.Grbit = jet.BitAllowSoftRecoveryOnBackup
			if res, err := h.run(); err != nil || res.Outcome != Recovered {
				t.Fatal(res.Outcome, err)
			}
			want := filepath.Join(root, "files", "log", "db.edb")
			comparePages(t, h.cfg.Env, h.path("db.edb"), want)
			compareHeaders(t, h, "db.edb", want)
			g, w := readDatabase(t, h.cfg.Env, h.path("db.edb")).f.Header(), readDatabase(t, h.cfg.Env, want).f.Header()
			if g.FullPrev != w.FullPrev || g.IncPrev != w.IncPrev || g.CopyPrev != w.CopyPrev || g.FullCur != w.FullCur {
				t.Errorf("backups in the header: full %+v, incremental %+v; want %+v, %+v", g.FullPrev, g.IncPrev, w.FullPrev, w.IncPrev)
			}
		})
	}
}
