package verify

import (
	"maps"
	"testing"

	"esent/internal/backup"
	"esent/internal/jet"
	"esent/internal/vfs"
	"esent/internal/vfs/simdisk"
)

// Sets of every kind are sound, with and without rehearsal, on a real disk and on a simulated one.
func TestSound(t *testing.T) {
	for _, disk := range []string{"real", "simulated"} {
		for _, c := range []struct {
			name      string
			pageSize  int64
			databases []string
			make      func(w *world, dir string)
			streamed  bool
		}{
			{"plain", 4096, []string{"app.edb"}, func(w *world, dir string) { w.backup(dir, 0) }, false},
			{"large pages", 32768, []string{"app.edb"}, func(w *world, dir string) { w.backup(dir, 0) }, false},
			{"two databases", 8192, []string{"app.edb", "other.edb"}, func(w *world, dir string) { w.backup(dir, 0) }, false},
			{"atomic", 4096, []string{"app.edb"}, func(w *world, dir string) { w.backup(dir, jet.BitBackupAtomic) }, false},
			{"atomic, second", 4096, []string{"app.edb"}, func(w *world, dir string) {
				w.backup(dir, jet.BitBackupAtomic)
				w.grow(50)
				w.backup(dir, jet.BitBackupAtomic)
			}, false},
			{"chain", 4096, []string{"app.edb"}, func(w *world, dir string) {
				w.backup(dir, 0)
				for range 3 {
					w.grow(120)
					w.backup(dir, jet.BitBackupIncremental)
				}
			}, false},
			{"block increments", 4096, []string{"app.edb"}, func(w *world, dir string) {
				w.backup(dir, 0)
				for range 2 {
					w.grow(120)
					w.ok(w.svc.Make(backup.Of(w.inst), backup.Options{Dir: dir, Grbit: backup.BitBackupBlocks}))
				}
				w.grow(20)
				w.backup(dir, jet.BitBackupIncremental)
			}, false},
			{"streamed", 4096, []string{"app.edb"}, func(w *world, dir string) { w.stream(dir) }, true},
		} {
			t.Run(disk+"/"+c.name, func(t *testing.T) {
				env, dir := vfs.System(), t.TempDir()
				if disk == "simulated" {
					env, dir = simdisk.New(3, simdisk.Options{}).Env(), "/d"
				}
				w := newWorld(t, env, dir+"/w", c.pageSize, c.databases...)
				w.grow(300)
				c.make(w, dir+"/set")
				w.grow(30)
				w.end()
				before := snapshot(t, env.FS, dir)
				for _, rehearse := range []bool{false, true} {
					r, err := Run(env, Options{Path: dir + "/set", Streamed: c.streamed, Rehearse: rehearse, TempDir: dir, Memory: 1})
					if err != nil {
						t.Fatalf("%v\n%s", err, faults(r))
					}
					if !r.OK || len(r.Databases) != len(c.databases) || len(r.Logs) == 0 || r.Databases[0].Pages == 0 {
						t.Errorf("%+v", r)
					}
					if rehearse && (len(r.Rehearsal.Databases) != len(c.databases) || r.Rehearsal.Databases[0].Records < 300) {
						t.Errorf("%+v", r.Rehearsal.Databases)
					}
				}
				if !maps.Equal(before, snapshot(t, env.FS, dir)) {
					t.Error("files have changed")
				}
			})
		}
	}
}

// Of a set with block increments what is verified is what they make of the full backup's copy.
func TestIncrementDamage(t *testing.T) {
	env, dir := vfs.System(), t.TempDir()
	w := newWorld(t, env, dir+"/w", 4096, "app.edb")
	w.grow(300)
	w.backup(dir+"/set", 0)
	w.grow(120)
	w.ok(w.svc.Make(backup.Of(w.inst), backup.Options{Dir: dir + "/set", Grbit: backup.BitBackupBlocks}))
	w.end()
	for _, c := range []struct {
		file string
		at   int64
		want jet.Err
	}{
		{"set/blocks-00001/app.edb.blk", 9000, jet.ErrReadVerifyFailure},
		{"set/blocks-00001/backup-blocks.json", 0, jet.ErrInvalidBackup},
		{"set/blocks-00001/app.pat", -1, jet.ErrPatchFileMissing},
		{"set/app.edb", -1, jet.ErrFileNotFound},
	} {
		file := dir + "/" + c.file
		old, err := vfs.ReadFile(env.FS, file)
		w.ok(err)
		w.ok(env.FS.Remove(file))
		if c.at >= 0 {
			b := append([]byte(nil), old...)
			b[c.at] ^= 0x10
			w.ok(vfs.ReplaceFile(env, file, b))
		}
		before := snapshot(t, env.FS, dir+"/set")
		r, err := Run(env, Options{Path: dir + "/set", Rehearse: true, TempDir: dir})
		if jet.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %v\n%s", c.file, err, c.want, faults(r))
		}
		if !maps.Equal(before, snapshot(t, env.FS, dir+"/set")) {
			t.Errorf("%s: the set has changed", c.file)
		}
		w.ok(vfs.ReplaceFile(env, file, old))
	}
	if r, err := Run(env, Options{Path: dir + "/set", Rehearse: true, TempDir: dir}); err != nil || r.Increments != 1 {
		t.Errorf("%v, %+v", err, r)
	}
}
